"""What of a module's insides is found by running it: its embedding of symbols, and its stack of blocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Call = Callable[[Tensor, Tensor], Tensor]
"""Runs a module: ids `(batch, length)` and a mask, true on symbols, to logits `(batch, classes)`."""
_ROWS, _LENGTH = 3, 5


@dataclass(frozen=True)
class Insides:
    """The embedding that reads the ids, None where there is none, and the blocks, in order, whose outputs are
    `(batch, length, width)`, or `(length, batch, width)` where not `batch_first`."""

    embedding: nn.Embedding | None
    blocks: tuple[nn.Module, ...]
    batch_first: bool


def find_insides(module: nn.Module, call: Call, symbol: int) -> Insides:
    """Run a module on sequences of one symbol and see what it is made of; `blocks` is empty where nothing was found.

    The stack of blocks is the container with the most parameters all of whose members give a vector for each symbol.
    """
    ids = torch.full((_ROWS, _LENGTH), symbol, device=device_of(module))
    outputs: dict[nn.Module, torch.Size] = {}
    embeddings: list[nn.Embedding] = []

    def see(seen: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(first := stream_of(output), Tensor):
            outputs[seen] = first.shape
        if isinstance(seen, nn.Embedding) and _reads(inputs, ids) and seen not in embeddings:
            embeddings.append(seen)

    with hooked(dict.fromkeys(module.modules(), see)), torch.no_grad():
        call(ids, torch.ones_like(ids, dtype=torch.bool))
    widest: tuple[nn.Module, ...] = ()
    for container in module.modules():
        members = tuple(container.children())
        if isinstance(container, nn.ModuleList | nn.Sequential) and _are_blocks([outputs.get(m) for m in members]):
            widest = max(widest, members, key=_parameters)
    batch_first = not widest or outputs[widest[0]][0] == _ROWS
    return Insides(embeddings[0] if embeddings else None, widest, batch_first)


def stream_of(output: Any) -> Any:
    """A block's stream, whether it returns it alone or with something else."""
    return output[0] if isinstance(output, tuple) and output else output


def with_stream(output: Any, stream: Tensor) -> Any:
    """A block's output with another stream."""
    return (stream, *output[1:]) if isinstance(output, tuple) else stream


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters are."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


@contextmanager
def hooked(hooks: dict[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Forward hooks that are gone afterwards."""
    handles = [module.register_forward_hook(hook) for module, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """A module in eval mode whose parameters get no gradient; afterwards it is as it was.

    The fused kernels for inference are off, since they skip blocks that are looked into.
    """
    training = [(part, part.training) for part in module.modules()]
    needing = [parameter for parameter in module.parameters() if parameter.requires_grad]
    fused = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        module.eval().requires_grad_(False)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for parameter in needing:
            parameter.requires_grad_(True)
        for part, mode in training:
            part.training = mode


def _reads(inputs: tuple[Any, ...], ids: Tensor) -> bool:
    first = inputs[0] if inputs else None
    return isinstance(first, Tensor) and any(torch.equal(first, own) for own in (ids, ids.T))


def _are_blocks(shapes: list[torch.Size | None]) -> bool:
    alike = bool(shapes) and len(set(shapes)) == 1 and shapes[0] is not None
    return alike and len(shapes[0] or ()) == 3 and set((shapes[0] or ())[:2]) == {_ROWS, _LENGTH}


def _parameters(members: tuple[nn.Module, ...]) -> int:
    return sum(parameter.numel() for member in members for parameter in member.parameters())
