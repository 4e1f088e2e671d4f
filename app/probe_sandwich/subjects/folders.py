"""A foreign model as it lies on a disk: a folder, or a zip with one folder at its top; both as the bundle that is read.

What comes out is a bundle like any other, and is read with the same distrust.
"""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from probe_sandwich.subjects.bundles import CONFIG, DESCRIPTION, MAX_ENTRIES, TOKENIZER, WEIGHTS
from probe_sandwich.subjects.checkpoint import MAX_PARAMETERS

_FILES = (CONFIG, WEIGHTS, DESCRIPTION, TOKENIZER)


def as_bundle(path: Path, out: Path) -> Path:
    """The path itself, unless it is a folder or a zip with one folder at its top: then a bundle of it in `out`.

    Raises `OSError` where there is no such file.
    """
    if path.is_dir():
        with zipfile.ZipFile(out, "w") as bundle:
            for name in _FILES:
                if (path / name).exists():
                    bundle.write(path / name, name)
        return out
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return _without_top_folder(archive, out) or path
    return path


def _without_top_folder(archive: zipfile.ZipFile, out: Path) -> Path | None:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    names = [PurePosixPath(entry.filename) for entry in entries]
    if len({name.parts[0] for name in names}) != 1 or not any(name.parts[1:] == (CONFIG,) for name in names):
        return None
    if len(entries) > MAX_ENTRIES or any(entry.file_size > 8 * MAX_PARAMETERS for entry in entries):
        return None  # whoever reads it says what is wrong with it
    with zipfile.ZipFile(out, "w") as bundle:
        for entry, name in zip(entries, names, strict=True):
            if name.parts[1:] in [(wanted,) for wanted in _FILES]:
                with archive.open(entry) as source, bundle.open(name.parts[1], "w") as target:
                    shutil.copyfileobj(source, target)
    return out
