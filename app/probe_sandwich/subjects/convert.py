"""Checkpoints from PyTorch state dicts, on the user's own machine."""

import pickle
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from probe_sandwich.subjects.checkpoint import (
    CheckpointError,
    InvalidConfig,
    MissingTensor,
    UnexpectedTensor,
    WrongShape,
    check_finite,
    parse_config,
    save_checkpoint,
)
from probe_sandwich.subjects.transformer import weight_shapes

_LAYOUT = "names and layout as in docs/checkpoint.md; see examples/export_checkpoint.py"


class NotAStateDict(CheckpointError):
    """A `.pt` file that is no plain dictionary of tensors."""


def convert(state: Path, config: Path, out: Path) -> None:
    """Make a checkpoint of a `.pt` state dict and a config file.

    The state dict is read with `weights_only=True`; its names and shapes must be those of `weight_shapes`.
    Raises the subclass of `CheckpointError` that names what is wrong.
    """
    try:
        subject_config = parse_config(config.read_bytes())
    except InvalidConfig as error:
        raise InvalidConfig(f"{config}: {error}") from error
    tensors = _read_state(state)
    shapes = weight_shapes(subject_config)
    for name, shape in shapes.items():
        if name not in tensors:
            raise MissingTensor(
                f"the state dict lacks {name!r}, which the config calls for with shape {list(shape)}; {_LAYOUT}"
            )
        if tuple(tensors[name].shape) != shape:
            raise WrongShape(
                f"{name!r} has shape {list(tensors[name].shape)}; the config calls for {list(shape)}; {_LAYOUT}"
            )
    for name in tensors:
        if name not in shapes:
            raise UnexpectedTensor(f"{name!r} has no place in the architecture that the config describes; {_LAYOUT}")
    weights = {name: tensors[name].to(torch.float32) for name in shapes}
    check_finite(weights)
    save_checkpoint(out, subject_config, weights)


def _read_state(path: Path) -> dict[str, Tensor]:
    _check_uncompressed(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # PyTorch's own message goes on for lines, and recommends to run whatever the file says.
        raise NotAStateDict(_what_it_holds(path, str(error))) from error
    except (RuntimeError, EOFError, ValueError, LookupError) as error:
        what = (str(error) or type(error).__name__).splitlines()[0]
        raise NotAStateDict(f"{path} cannot be read as a state dict of tensors: {what}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise NotAStateDict(f"{path} is not a dictionary of names and tensors; save model.state_dict()")
    return state


def _what_it_holds(path: Path, complaint: str) -> str:
    if "global" in complaint.lower():  # a name that is neither a tensor's nor a container's
        return f"{path} holds a whole module or other objects, not a state dict; save model.state_dict()"
    return f"{path} is no file of torch.save; save model.state_dict()"


def _check_uncompressed(path: Path) -> None:
    """`torch.save` stores and never compresses; what inflates was made to."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    stored = sum(entry.file_size for entry in entries)
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or stored > path.stat().st_size:
        raise NotAStateDict(f"{path} is compressed, which torch.save never does; save the state dict again")
