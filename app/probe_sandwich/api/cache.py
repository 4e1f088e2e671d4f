"""Answers by content: the same bytes, options and meta-classifier get the same answer from disk.

A folder of small JSON files, the least recently used of which go first; whoever deletes it loses nothing but time.
Nothing in it is believed unless only this user can have put it there, and nothing is served that is not a diagnosis.
"""

import hashlib
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from pydantic import ValidationError

import probe_sandwich
from probe_sandwich.answer import Diagnosis
from probe_sandwich.options import Options

log = logging.getLogger("probe_sandwich.cache")
_OWN = re.compile(r"diagnosis-[0-9a-f]{64}\.json(\.\d+\.partial)?")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(OSError):
    """A cache folder into which another user could have put something."""


class Cache:
    """At most `max_bytes` of answers in a folder; 0 keeps none.

    A folder that is not private or cannot be used means no cache and one line in the log, never an error.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._complaint = ""
        # As it is now: sources may change while the code that was read from them answers.
        self._sources = sources_digest()

    def key(self, sha256: str, options: Options, device: str, card: str | None) -> str:
        """Names an answer: whatever it depends on goes in. `card` is the meta-classifier's fingerprint."""
        parts = (self._sources, sha256, options.model_dump_json(), device, card or "")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def get(self, key: str) -> str | None:
        """The answer, or None. An entry that is no diagnosis goes away."""
        if not self.max_bytes:
            return None
        try:
            with _private(self.folder) as folder:
                return _read(folder, _name(key))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None

    def put(self, key: str, answer: str) -> bool:
        """Keep an answer; False where it cannot be kept."""
        if not self.max_bytes:
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _private(self.folder) as folder:
                _write(folder, _name(key), answer.encode())
                _evict(folder, self.max_bytes)
        except OSError as error:
            self._complain(error)
            return False
        return True

    def _complain(self, error: OSError) -> None:
        """Say why there is no cache, once a reason."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            log.warning("no cache: set PROBE_SANDWICH_CACHE_DIR to a folder of this user alone", extra={"why": error})


@cache
def sources_digest(root: Path = Path(probe_sandwich.__file__).parent) -> str:
    """sha256 of a package's sources: within one version, a checkout may come to ask something else."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*.py") if path.is_file()):
        digest.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()


def _name(key: str) -> str:
    return f"diagnosis-{key}.json"


@contextmanager
def _private(path: Path) -> Iterator[int]:
    """A descriptor of a folder that is no link, belongs to this user, and is closed to all others. Whatever is then
    done through the descriptor is done in that folder, whatever takes its place. Raises `NotPrivate`."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        facts = os.fstat(folder)
        if facts.st_uid != os.geteuid():
            raise NotPrivate(f"{path} belongs to another user")
        if facts.st_mode & _OTHERS:
            raise NotPrivate(f"{path} is open to other users: its mode is {stat.S_IMODE(facts.st_mode):o}, not 700")
        yield folder
    finally:
        os.close(folder)


def _read(folder: int, name: str) -> str | None:
    entry = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with open(entry, "rb") as file:
        if not stat.S_ISREG(os.fstat(entry).st_mode):
            return None
        content = file.read()
        os.utime(entry)
    try:
        Diagnosis.model_validate_json(content)
    except ValidationError:
        os.unlink(name, dir_fd=folder)
        return None
    return content.decode()


def _write(folder: int, name: str, content: bytes) -> None:
    partial = f"{name}.{os.getpid()}.partial"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(partial, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(content)
        os.replace(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(partial, dir_fd=folder)
        raise


def _evict(folder: int, max_bytes: int) -> None:
    """Remove the least recently used answers, and nothing that is not one, until the rest fits."""
    entries = []
    for entry in os.scandir(folder):
        if _OWN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            facts = entry.stat(follow_symlinks=False)
            entries.append((facts.st_mtime_ns, facts.st_size, entry.name))
    total = sum(size for _, size, _ in entries)
    for _, size, name in sorted(entries):
        if total <= max_bytes:
            return
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        total -= size
