"""Where a foreign model's files are: read once, where they lie."""

import shutil
import zipfile
from pathlib import Path

import pytest
from probe_sandwich.subjects.checkpoint import BadBundle
from probe_sandwich.subjects.parts import CONFIG, DESCRIPTION, WEIGHTS, Parts, Separate, Zipped, is_bundle
from probe_sandwich.subjects.uploads import open_upload

from tests.api.bundles import bundle_of


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """The same model as a zip, as a folder, and as a zip of that folder."""
    (tmp_path / "plain.zip").write_bytes(bundle_of(weights=b"weights"))
    with zipfile.ZipFile(tmp_path / "plain.zip") as archive:
        archive.extractall(tmp_path / "model")
    nested = Path(shutil.make_archive(str(tmp_path / "nested"), "zip", tmp_path, "model"))
    return {"plain": tmp_path / "plain.zip", "folder": tmp_path / "model", "nested": nested}


def contents(parts: Parts) -> tuple[dict[str, bytes], bytes]:
    """All that is in it."""
    with parts.weights() as (file, size):
        return parts.texts(), file.read(size)


def test_the_same_files_are_read_wherever_they_lie_and_nothing_is_written(places: dict[str, Path]) -> None:
    before = sorted(places["plain"].parent.rglob("*"))
    folder = places["folder"]
    texts, weights = contents(Separate.of_folder(folder))
    assert (set(texts), weights) == ({CONFIG, DESCRIPTION}, b"weights")
    sent = Separate({WEIGHTS: folder / WEIGHTS, CONFIG: folder / CONFIG}, texts[DESCRIPTION].decode())
    for parts in (Zipped(places["plain"]), Zipped(places["nested"]), sent):
        assert contents(parts) == (texts, weights)
    bundles = [open_upload(path).bundle for path in places.values()]
    assert {bundle and bundle.architecture for bundle in bundles} == {"BertForSequenceClassification"}
    assert sorted(places["plain"].parent.rglob("*")) == before


def test_a_zip_is_no_bundle_unless_its_config_lies_at_its_top_or_in_its_only_folder(
    places: dict[str, Path], tmp_path: Path
) -> None:
    assert is_bundle(places["plain"])
    assert is_bundle(places["nested"])
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr(f"one/{CONFIG}", "{}")
        archive.writestr("other/file", "")
    assert not is_bundle(tmp_path / "two.zip")


def test_a_folder_that_lacks_a_file_is_told_which(places: dict[str, Path]) -> None:
    (places["folder"] / WEIGHTS).unlink()
    with pytest.raises(BadBundle, match=r"no model\.safetensors"):
        open_upload(places["folder"])


def test_the_json_of_a_bundle_is_read_once(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    texts = Zipped.texts
    monkeypatch.setattr(Zipped, "texts", lambda self: read.append(self) or texts(self))
    upload = open_upload(places["plain"])
    with pytest.raises(Exception, match=r"."):  # its weights are none
        upload.load()
    assert len(read) == 1
