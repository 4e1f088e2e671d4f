"""A subject from a file of any format that is read: our own checkpoints, and bundles of foreign models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from probe_sandwich.subjects.bundles import Bundle, read_bundle
from probe_sandwich.subjects.checkpoint import (
    Checkpoint,
    CheckpointError,
    UnreadableFile,
    UnsupportedArchitecture,
    load_checkpoint,
    read_config,
)
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.foreign.checkpoint import ForeignCheckpoint
from probe_sandwich.subjects.parts import CONFIG, WEIGHTS, Parts, Separate, Zipped, is_bundle
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.subjects.transformer import join, on_device


@dataclass(frozen=True)
class Upload:
    """A file, or a foreign model's parts, whose head was read and checked; its tensors wait."""

    path: Path
    config: SubjectConfig | None
    """Of an own checkpoint; a foreign model has a `bundle` instead, and runs alone."""
    bundle: Bundle | None

    def load(self) -> Checkpoint | ForeignCheckpoint:
        """The checkpoint. Raises as `open_upload` does."""
        with _foreseen():
            return load_checkpoint(self.path) if self.bundle is None else _load_foreign(self.bundle)


def open_upload(path: Path, config: Path | None = None, description: str | None = None) -> Upload:
    """Read the head of a file; a foreign model's config and description may come beside its weights, or all of it in a
    folder.

    Raises the subclass of `CheckpointError` that names what is wrong, and nothing else but `MemoryError`: what nobody
    foresaw is `UnreadableFile`.
    """
    with _foreseen():
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UnreadableFile("it is a device, a pipe or a socket; give a file or a folder")
        parts = _parts(path, config, description)
        return Upload(path, read_config(path), None) if parts is None else Upload(path, None, read_bundle(parts))


def load_upload(
    path: Path, config: Path | None = None, description: str | None = None
) -> Checkpoint | ForeignCheckpoint:
    """The whole of it at once. Raises as `open_upload` does."""
    return open_upload(path, config, description).load()


def stacked(checkpoints: Sequence[Checkpoint | ForeignCheckpoint], device: torch.device) -> Subjects:
    """Checkpoints of one shape as one batch on a device; a foreign one comes alone."""
    first = checkpoints[0]
    if not isinstance(first, Checkpoint):
        return first.subjects.to(device)
    own = [checkpoint for checkpoint in checkpoints if isinstance(checkpoint, Checkpoint)]
    return join([(c.config, on_device(c.weights, device)) for c in own])


def _parts(path: Path, config: Path | None, description: str | None) -> Parts | None:
    """Where a foreign model's files are; None for an own checkpoint."""
    if config is not None:
        return Separate({WEIGHTS: path, CONFIG: config}, description or "{}")
    if path.is_dir():
        return Separate.of_folder(path)
    return Zipped(path) if is_bundle(path) else None


def _load_foreign(bundle: Bundle) -> ForeignCheckpoint:
    try:
        # An optional extra, and two seconds that the other format need not wait.
        from probe_sandwich.subjects.hugging_face import load_bundle  # noqa: PLC0415
    except ImportError as error:
        raise UnsupportedArchitecture(
            "this is a Hugging Face model, and this service runs without the extra `hf`; "
            "install it with `pip install 'probe-sandwich[hf]'`"
        ) from error
    return load_bundle(bundle)


@contextmanager
def _foreseen() -> Iterator[None]:
    """Make of whatever nobody foresaw the file's problem."""
    try:
        yield
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        if "can't allocate memory" in str(error):  # PyTorch's CPU allocator has no error type of its own
            raise MemoryError from error
        if isinstance(error, FileNotFoundError):
            raise UnreadableFile(f"no such file: {error.filename}") from error
        what = f"{type(error).__name__}: {str(error)[:200]}"
        raise UnreadableFile(f"the file cannot be read ({what}); save it again") from error
