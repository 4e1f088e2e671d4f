"""Where a foreign model's files are: read once, where they lie."""

import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from probe_sandwich.subjects.bundles import read_bundle
from probe_sandwich.subjects.checkpoint import BadBundle, NotSafetensors
from probe_sandwich.subjects.parts import CONFIG, DESCRIPTION, WEIGHTS, Parts, Separate, Zipped
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
    bundles = [read_bundle(parts) for parts in (Zipped(places["plain"]), Zipped(places["nested"]), sent)]
    assert {bundle.architecture for bundle in bundles} == {"BertForSequenceClassification"}
    assert len({bundle.sha256(weights.hex()) for bundle in bundles}) == 1
    assert sorted(places["plain"].parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([f"one/{CONFIG}", "other/file"], "no config.json"),
        ([f"../{CONFIG}", WEIGHTS, DESCRIPTION], "no config.json"),
        ([str(number) for number in range(17)], "at most 16 files"),
    ],
)
def test_a_zip_is_told_what_it_lacks_of_a_bundle(tmp_path: Path, names: list[str], words: str) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    with pytest.raises(BadBundle, match=words):
        open_upload(tmp_path / "one.zip")


def test_a_zip_with_a_pickle_in_it_is_no_bundle(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "state.pt")
    with pytest.raises(NotSafetensors, match="pickle"):
        open_upload(tmp_path / "state.pt")


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
