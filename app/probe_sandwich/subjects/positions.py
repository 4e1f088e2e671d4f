"""Position schemes as data: an additive table, rotary frequencies and a distance slope for each head.

Every subject has all three, zero where its scheme does not use them, so that subjects of one shape stack
whatever their scheme. Sources: sinusoidal, Vaswani et al. 2017 (3.5); rotary, Su et al. 2021 (3.4.2);
ALiBi, Press et al. 2022 (3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probe_sandwich.subjects.config import Scheme, SubjectConfig


@dataclass(frozen=True)
class Positions:
    """Position data of a stack; a part that no subject of it uses is None.

    `wavenumbers (models, d_model / 2)` makes the sinusoidal table at any length, `frequencies
    (models, d_head / 2)` the rotary angles, `slopes (models, heads)` the ALiBi penalty. The table of the
    learned scheme is a trained tensor of the subject.
    """

    wavenumbers: Tensor | None
    frequencies: Tensor | None
    slopes: Tensor | None

    def additive(self, indices: Tensor, dtype: torch.dtype) -> Tensor | None:
        """Sinusoidal rows `(models, ..., d_model)` for position indices `(models, ...)`."""
        if self.wavenumbers is None:
            return None
        shape = (len(self.wavenumbers), *[1] * (indices.dim() - 1), -1)
        angles = indices.unsqueeze(-1) * self.wavenumbers.view(shape)
        used = (self.wavenumbers.sum(dim=-1) > 0).view(shape).to(angles.dtype)
        return (torch.cat([angles.sin(), angles.cos()], dim=-1) * used).to(dtype)


def stack_positions(configs: Sequence[SubjectConfig], device: torch.device) -> Positions:
    """Position data of subjects of one shape."""

    def rows(scheme: Scheme, row: "list[Tensor]") -> Tensor | None:
        used = any(config.scheme is scheme for config in configs)
        return torch.stack(row).to(device) if used else None

    return Positions(
        wavenumbers=rows(
            Scheme.SINUSOIDAL,
            [_geometric(c, c.d_model // 2) * (c.scheme is Scheme.SINUSOIDAL) for c in configs],
        ),
        frequencies=rows(
            Scheme.ROTARY,
            [_geometric(c, c.d_model // c.heads // 2) * (c.scheme is Scheme.ROTARY) for c in configs],
        ),
        slopes=rows(
            Scheme.ALIBI,
            [2.0 ** (-8.0 * torch.arange(1, c.heads + 1) / c.heads) * (c.scheme is Scheme.ALIBI) for c in configs],
        ),
    )


def _geometric(config: SubjectConfig, count: int) -> Tensor:
    return config.position_base ** (-torch.arange(count, dtype=torch.float32) / count)


def turn(columns: Tensor, d_head: int) -> Tensor:
    """A quarter turn of every rotary pair: `(..., heads * d_head)`, a head's first half paired with its second."""
    first, second = columns.unflatten(-1, (-1, 2, d_head // 2)).unbind(dim=-2)
    return torch.stack([-second, first], dim=-2).flatten(-3)
