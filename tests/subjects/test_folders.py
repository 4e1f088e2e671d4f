"""Folders and nested zips, as the bundle that is read."""

import shutil
import zipfile
from pathlib import Path

from probe_sandwich.subjects.folders import as_bundle

from tests.api.bundles import bundle_of


def test_a_folder_and_a_zip_with_one_top_folder_become_the_bundle_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "plain.zip").write_bytes(bundle_of())
    with zipfile.ZipFile(tmp_path / "plain.zip") as archive:
        archive.extractall(tmp_path / "model")
    nested = Path(shutil.make_archive(str(tmp_path / "nested"), "zip", tmp_path, "model"))
    for number, path in enumerate((tmp_path / "model", nested)):
        with zipfile.ZipFile(as_bundle(path, tmp_path / f"{number}.zip")) as archive:
            assert set(archive.namelist()) == {"config.json", "model.safetensors", "subject.json"}
    assert as_bundle(tmp_path / "plain.zip", tmp_path / "unused") == tmp_path / "plain.zip"
