"""Files that appear whole or not at all, and files that are hashed as they are read."""

import hashlib
import io
from pathlib import Path
from unittest.mock import patch

import pytest
from probe_sandwich.files import Hashed, write_atomically


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_atomically(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with patch("os.fsync", side_effect=OSError("the disk is full")), pytest.raises(OSError, match="full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_file_read_in_pieces_has_the_hash_of_the_whole() -> None:
    content = bytes(range(256)) * 5
    file = Hashed(io.BytesIO(content))
    assert b"".join([file.read(1), file.read(700), file.read()]) == content
    assert file.sha256 == hashlib.sha256(content).hexdigest()
