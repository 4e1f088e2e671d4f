"""A subject from a file of any format."""

import os
from pathlib import Path

import pytest
from probe_sandwich.subjects import checkpoint as checkpoints
from probe_sandwich.subjects import uploads
from probe_sandwich.subjects.checkpoint import CheckpointError, UnreadableFile
from probe_sandwich.subjects.uploads import load_upload, open_upload


def test_what_nobody_foresaw_is_the_files_problem(checkpoint_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "load_checkpoint", lambda path: {}["nothing"])
    with pytest.raises(checkpoints.UnreadableFile, match="KeyError"):
        load_upload(checkpoint_file)


def test_a_file_that_is_not_there_is_not_to_be_saved_again(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^no such file: .*missing\.safetensors$"):
        load_upload(tmp_path / "missing.safetensors")


@pytest.mark.parametrize("place", ["pipe", "/dev/zero"])
def test_only_files_and_folders_are_read(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="a device, a pipe or a socket"):
        open_upload(tmp_path / place)
