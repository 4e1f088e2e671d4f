"""A subject from a file of any format that is read: our own checkpoints, and bundles of foreign models."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from probe_sandwich.subjects.bundles import is_bundle, pack_bundle, read_bundle
from probe_sandwich.subjects.checkpoint import Checkpoint, UnsupportedArchitecture, load_checkpoint
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.subjects.transformer import join

if TYPE_CHECKING:
    from probe_sandwich.subjects.hugging_face import ForeignCheckpoint


def load_upload(
    path: Path, config: Path | None = None, description: str | None = None
) -> "Checkpoint | ForeignCheckpoint":
    """Read a file; a foreign model's config and description may come beside its weights.

    Raises the subclass of `CheckpointError` that names what is wrong.
    """
    if config is not None:
        path = pack_bundle(path, config, description or "{}")
    elif not is_bundle(path):
        return load_checkpoint(path)
    read_bundle(path)  # what is wrong with it should be said with or without the library
    try:
        # An optional extra, and two seconds that the other format need not wait.
        from probe_sandwich.subjects.hugging_face import load_bundle  # noqa: PLC0415
    except ImportError as error:
        raise UnsupportedArchitecture(
            "this is a Hugging Face model, and this service runs without the extra `hf`; "
            "install it with `pip install 'probe-sandwich[hf]'`"
        ) from error
    return load_bundle(path)


def stacked(checkpoints: "Sequence[Checkpoint | ForeignCheckpoint]", device: torch.device) -> Subjects:
    """Checkpoints of one shape as one batch on a device; a foreign one comes alone."""
    first = checkpoints[0]
    if not isinstance(first, Checkpoint):
        return first.subjects.to(device)
    own = [checkpoint for checkpoint in checkpoints if isinstance(checkpoint, Checkpoint)]
    return join([(c.config, {name: weight.to(device) for name, weight in c.weights.items()}) for c in own])
