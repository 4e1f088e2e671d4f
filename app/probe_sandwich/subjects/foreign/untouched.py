"""A module that comes back as it went in."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

_GUARDED: ContextVar[tuple[nn.Module, ...]] = ContextVar("guarded", default=())
"""Modules whose weights are held already, to be written back later."""


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters are."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """A module in eval mode whose parameters get no gradient; afterwards modes, gradients, weights, buffers and
    attributes are as they were, and so is the random state of torch, numpy and Python.

    Within another call of it for the same module weights and buffers wait for that one's end: a copy of them is made
    once. The fused kernels for inference are off, since they cut sequences that are masked to the end.
    """
    fused = torch.backends.mha.get_fastpath_enabled()
    numbers, arrays = random.getstate(), np.random.get_state()
    device = device_of(module)
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []), _restored(module):
            torch.backends.mha.set_fastpath_enabled(False)
            module.eval().requires_grad_(False)
            yield
    finally:
        random.setstate(numbers)
        np.random.set_state(arrays)
        torch.backends.mha.set_fastpath_enabled(fused)


@contextmanager
def _restored(module: nn.Module) -> Iterator[None]:
    """Afterwards everything of a module is as it was, in the same storage."""
    guarded = _GUARDED.get()
    within = any(module is other for other in guarded)
    tensors = [] if within else dict.fromkeys([*module.parameters(), *module.buffers()])
    with ExitStack() as afterwards:  # backwards: modes first, since changing them may merge or part weights
        afterwards.callback(_GUARDED.reset, _GUARDED.set((*guarded, module)))
        for tensor in tensors:
            afterwards.callback(tensor.requires_grad_, tensor.requires_grad)
            if not is_lazy(tensor) and not tensor.is_meta and tensor.layout is torch.strided:
                afterwards.callback(_write_back, tensor, tensor.data, tensor.detach().clone())
        for part in module.modules():
            afterwards.callback(_set_back, vars(part), dict(vars(part)))
            for one in vars(part).values():
                if isinstance(one, dict | set | list):
                    afterwards.callback(_set_back, one, one.copy())
        # A parent's `train` sets its children's modes too, so that theirs come after it.
        for part in reversed(list(module.modules())):
            if type(part).train is not nn.Module.train:
                afterwards.callback(part.train, part.training)
        yield


def _write_back(tensor: Tensor, data: Tensor, values: Tensor) -> None:
    """`data`: what `tensor` had as its data. It has no count of versions, so that a graph that waits is still good."""
    if tensor.data_ptr() != data.data_ptr():
        tensor.data = data
    if not torch.equal(data, values):
        with torch.inference_mode(data.is_inference()):
            data.copy_(values)


def _set_back(container: Any, contents: Any) -> None:
    """A dict, set or list holds again what it held, and stays the same one."""
    container.clear()
    container.extend(contents) if isinstance(container, list) else container.update(contents)
