"""Where the files of a foreign model are: in one zip, in a folder, or sent one by one. Each is read where it lies.

A zip comes from strangers: what it says of itself is checked before anything is inflated.
"""

import zipfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from probe_sandwich.subjects.checkpoint import MAX_PARAMETERS, BadBundle, CheckpointError, TooManyParameters

CONFIG, WEIGHTS, DESCRIPTION, TOKENIZER = "config.json", "model.safetensors", "subject.json", "tokenizer.json"
MAX_JSON_BYTES = 1 << 20
MAX_ENTRIES = 16
MAX_RATIO = 50
MAX_DIRECTORY_BYTES = 1 << 20
_PARTS = (CONFIG, WEIGHTS, DESCRIPTION, TOKENIZER)
_END, _END_64, _END_BYTES, _MAX_COMMENT = b"PK\x05\x06", b"PK\x06\x07", 22, 1 << 16


class Parts(Protocol):
    """The files of a bundle, wherever they are."""

    def texts(self) -> dict[str, bytes]:
        """The JSON files by name. Raises `BadBundle`, `TooManyParameters`."""

    def weights(self) -> AbstractContextManager[tuple[BinaryIO, int]]:
        """The weights' file, to be read once from its start, and its size. Raises `BadBundle`."""


@dataclass(frozen=True)
class Zipped:
    """Parts at the top of one zip, or in its only folder; no more is inflated than is asked for, piece by piece."""

    path: Path

    def texts(self) -> dict[str, bytes]:
        with _opened(self.path) as archive:
            entries = _checked_entries(archive)
            return {name: _read_entry(archive, entry) for name, entry in entries.items() if name != WEIGHTS}

    @contextmanager
    def weights(self) -> Iterator[tuple[BinaryIO, int]]:
        with _opened(self.path) as archive:
            entry = _checked_entries(archive)[WEIGHTS]
            with archive.open(entry) as file:
                yield cast(BinaryIO, file), entry.file_size
                if file.read(1):  # at its end, the zip's own checksum is compared
                    raise BadBundle(f"{WEIGHTS} has another size than its header says")


@dataclass(frozen=True)
class Separate:
    """Parts that lie one by one; the description may come as text instead of a file."""

    files: dict[str, Path]
    description: str | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> "Separate":
        """Those of a folder."""
        return cls({name: folder / name for name in _PARTS if (folder / name).is_file()})

    def texts(self) -> dict[str, bytes]:
        found = {} if self.description is None else {DESCRIPTION: self.description.encode(errors="replace")}
        for name, path in self.files.items():
            if name != WEIGHTS:
                if path.stat().st_size > MAX_JSON_BYTES:
                    raise BadBundle(f"{name} is larger than {MAX_JSON_BYTES} bytes, which is more than is read")
                found[name] = path.read_bytes()
        _check_complete({*found, *self.files})
        return found

    @contextmanager
    def weights(self) -> Iterator[tuple[BinaryIO, int]]:
        with self.files[WEIGHTS].open("rb") as file:
            yield file, self.files[WEIGHTS].stat().st_size


def is_bundle(path: Path) -> bool:
    """Whether a file is a zip without a pickle, as a `.pt` is one with. What a bundle lacks shows when it is read."""
    if not _has_small_directory(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(name.endswith(".pkl") for name in archive.namelist())
    except Exception:  # whatever the library makes of bytes that are no zip
        return False


def _has_small_directory(path: Path) -> bool:
    """Whether a file ends as a zip does whose table of contents is small: the library makes an object of each entry.

    One of 64-bit offsets, as `torch.save` writes it, is taken for a large one.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END_BYTES - _MAX_COMMENT - len(_END_64) - 16))
        tail = file.read()
    last = tail[-_END_BYTES:]
    plain = last.startswith(_END) and last.endswith(b"\0\0")  # no comment: the library looks here first
    place = len(tail) - _END_BYTES if plain else tail.rfind(_END)
    if place < 0 or tail[max(0, place - 20) : place].startswith(_END_64):
        return False
    return int.from_bytes(tail[place + 12 : place + 16], "little") <= MAX_DIRECTORY_BYTES


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip; whatever the library raises while it is read is `BadBundle`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (CheckpointError, MemoryError):
        raise
    # A zip may ask for any version, method, flag or encoding, and each has an error of its own.
    except Exception as error:
        raise BadBundle(f"the zip cannot be read: {error}") from error


def _checked_entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries that are read, after the table of contents was checked."""
    top = _top(archive)
    entries = {entry.filename.removeprefix(top): entry for entry in archive.infolist()}
    if len(archive.infolist()) > MAX_ENTRIES or len(entries) != len(archive.infolist()):
        raise BadBundle(f"a bundle has at most {MAX_ENTRIES} files, each once")
    _check_complete(entries)
    read = {name: entries[name] for name in _PARTS if name in entries}
    for name, entry in read.items():
        size, packed = entry.file_size, max(1, entry.compress_size)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadBundle(f"{name} is packed by method {entry.compress_type}; store or deflate it")
        if size > MAX_RATIO * packed or (name != WEIGHTS and size > MAX_JSON_BYTES):
            raise BadBundle(f"{name} would inflate to {size} bytes, which is more than is read")
        if size > 8 * MAX_PARAMETERS:
            raise TooManyParameters(size // 4)
    return read


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise BadBundle(f"{entry.filename} has another size than the zip says")
    return content


def _top(archive: zipfile.ZipFile) -> str:
    """The folder that everything in a zip lies in, with its slash; nothing where there is no such folder."""
    tops = {name.partition("/")[0] for name in archive.namelist()}
    return f"{tops.pop()}/" if len(tops) == 1 and CONFIG not in tops else ""


def _check_complete(names: Collection[str]) -> None:
    """Raises `BadBundle`."""
    for wanted in (CONFIG, WEIGHTS, DESCRIPTION):
        if wanted not in names:
            raise BadBundle(
                f"the bundle has no {wanted}; it must hold {CONFIG}, {WEIGHTS} and {DESCRIPTION} at its top"
            )
