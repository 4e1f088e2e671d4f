"""Answers by content: the same bytes, parameters and meta-classifiers get the same answer from disk.

A folder of small JSON files, the least recently used of which go first; whoever deletes it loses nothing but time.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from probe_sandwich.options import Options


class Cache:
    """At most `max_bytes` of answers in a folder; 0 keeps none."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def key(self, sha256: str, options: Options, device: str, meta_classifiers: Sequence[str]) -> str:
        """Names an answer: whatever it depends on goes in."""
        parts = (sha256, options.model_dump_json(), device, *sorted(meta_classifiers))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def get(self, key: str) -> str | None:
        """The answer, or None."""
        if not self.max_bytes:
            return None
        try:
            text = self._path(key).read_text()
            os.utime(self._path(key))
        except OSError:
            return None
        return text

    def put(self, key: str, answer: str) -> None:
        """Keep an answer. A folder that cannot be written to means no cache, and no error."""
        if not self.max_bytes:
            return
        partial = self.folder / f".{key}.{os.getpid()}.partial"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial.write_text(answer)
            partial.replace(self._path(key))
            self._evict()
        except OSError:
            return

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _evict(self) -> None:
        entries = sorted(
            (entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in os.scandir(self.folder)
        )
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self.max_bytes:
                return
            Path(path).unlink(missing_ok=True)
            total -= size
