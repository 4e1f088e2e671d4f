"""A module that comes back as it went in."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters are."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """A module in eval mode whose parameters get no gradient; afterwards modes, gradients and the random state of
    torch, numpy and Python are as they were.

    The fused kernels for inference are off, since they cut sequences that are masked to the end.
    """
    training = [(part, part.training) for part in module.modules()]
    needing = [parameter for parameter in module.parameters() if parameter.requires_grad]
    fused = torch.backends.mha.get_fastpath_enabled()
    numbers, arrays = random.getstate(), np.random.get_state()
    device = device_of(module)
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.backends.mha.set_fastpath_enabled(False)
            module.eval().requires_grad_(False)
            yield
    finally:
        random.setstate(numbers)
        np.random.set_state(arrays)
        torch.backends.mha.set_fastpath_enabled(fused)
        for parameter in needing:
            parameter.requires_grad_(True)
        for part, mode in training:
            part.training = mode
