"""Eight bits a weight: what a zoo stores of its subjects.

A matrix is stored as whole numbers from -127 to 127 with one half-precision scale a row (its last axis); biases and
gains stay in half precision. The stored weight is the product, rounded to half precision, so that whoever reads it
need not know how it was stored.
"""

import torch
from torch import Tensor

from probe_sandwich.subjects.transformer import Weights

_SCALE = ".scale"
_LEVELS = 127
# The smallest normal half: scales below it would have too few digits for the bound on the error.
_LEAST_SCALE = 2.0**-14


def pack(weights: Weights) -> dict[str, Tensor]:
    """Stacked weights `(models, ...)` as they are stored: `name` as int8 beside `name.scale`, or in half precision.

    A stored weight is off by at most half a scale, and the rounding of the product.
    """
    packed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.dim() <= 2:
            packed[name] = weight.half()
            continue
        scale = (weight.abs().amax(-1) / _LEVELS).clamp(min=_LEAST_SCALE).half()
        levels = (weight / scale.unsqueeze(-1).float()).round().clamp(-_LEVELS, _LEVELS)
        packed[name], packed[name + _SCALE] = levels.to(torch.int8), scale
    return packed


def unpack(packed: Weights) -> dict[str, Tensor]:
    """The half-precision weights that were stored, whether in eight bits or not."""
    return {
        name: tensor if (scale := packed.get(name + _SCALE)) is None else _product(tensor, scale)
        for name, tensor in packed.items()
        if not name.endswith(_SCALE)
    }


def _product(levels: Tensor, scale: Tensor) -> Tensor:
    return (levels.float() * scale.unsqueeze(-1).float()).half()
