"""Files that appear whole or not at all, and files that are hashed as they are read."""

import hashlib
import os
from pathlib import Path
from typing import Protocol


class Readable(Protocol):
    """Whatever is read piece by piece from its start."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most so many."""


class Hashed:
    """A file whose hash is that of all that was read of it, so that nothing is read a second time for it."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes of the file."""
        content = self._file.read(size)
        self._digest.update(content)
        return content

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._digest.hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file, and the folders above it: a reader finds the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
