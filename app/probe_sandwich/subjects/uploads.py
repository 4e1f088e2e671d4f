"""A subject from a file of any format that is read: our own checkpoints, and bundles of foreign models."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from probe_sandwich.subjects.bundles import Parts, Separate, Zipped, is_bundle, read_bundle
from probe_sandwich.subjects.checkpoint import (
    Checkpoint,
    CheckpointError,
    UnreadableFile,
    UnsupportedArchitecture,
    load_checkpoint,
    read_config,
)
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.subjects.transformer import join, on_device

if TYPE_CHECKING:
    from probe_sandwich.subjects.hugging_face import ForeignCheckpoint


def load_upload(
    path: Path, config: Path | None = None, description: str | None = None
) -> "Checkpoint | ForeignCheckpoint":
    """Read a file; a foreign model's config and description may come beside its weights.

    Raises the subclass of `CheckpointError` that names what is wrong, and nothing else but `MemoryError`: what nobody
    foresaw is `UnreadableFile`.
    """
    try:
        parts = _parts(path, config, description)
        return load_checkpoint(path) if parts is None else _load_foreign(parts)
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        raise _unforeseen(error) from error


def preview_upload(path: Path, config: Path | None = None, description: str | None = None) -> SubjectConfig | None:
    """The config of an own checkpoint, none of whose tensors is read; None of a foreign model, which comes alone.

    Raises as `load_upload` does.
    """
    try:
        parts = _parts(path, config, description)
        if parts is None:
            return read_config(path)
        read_bundle(parts)
        return None
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        raise _unforeseen(error) from error


def stacked(checkpoints: "Sequence[Checkpoint | ForeignCheckpoint]", device: torch.device) -> Subjects:
    """Checkpoints of one shape as one batch on a device; a foreign one comes alone."""
    first = checkpoints[0]
    if not isinstance(first, Checkpoint):
        return first.subjects.to(device)
    own = [checkpoint for checkpoint in checkpoints if isinstance(checkpoint, Checkpoint)]
    return join([(c.config, on_device(c.weights, device)) for c in own])


def _parts(path: Path, config: Path | None, description: str | None) -> Parts | None:
    """Where a foreign model's files are; None for an own checkpoint."""
    if config is not None:
        return Separate(path, config, description or "{}")
    return Zipped(path) if is_bundle(path) else None


def _load_foreign(parts: Parts) -> "ForeignCheckpoint":
    bundle = read_bundle(parts)  # what is wrong with it should be said with or without the library
    try:
        # An optional extra, and two seconds that the other format need not wait.
        from probe_sandwich.subjects.hugging_face import load_bundle  # noqa: PLC0415
    except ImportError as error:
        raise UnsupportedArchitecture(
            "this is a Hugging Face model, and this service runs without the extra `hf`; "
            "install it with `pip install 'probe-sandwich[hf]'`"
        ) from error
    return load_bundle(bundle)


def _unforeseen(error: Exception) -> UnreadableFile | MemoryError:
    if "can't allocate memory" in str(error):  # PyTorch's CPU allocator has no error type of its own
        return MemoryError()
    return UnreadableFile(f"the file cannot be read ({type(error).__name__}: {str(error)[:200]}); save it again")
