"""How a foreign subject frames a formula: with or without a symbol before it, with or without one after it."""

import torch
from torch import Tensor


def framed(x: Tensor, mask: Tensor, begins: bool, end: Tensor | None) -> tuple[Tensor, Tensor]:
    """Sequences `x (batch, 1 + length, width)`, a begin symbol first and padding to the right, as the subject writes
    them: without the begin symbol unless it `begins` so, and with `end (width,)` after the last symbol if it has one.
    """
    if not begins:
        x, mask = x[:, 1:], mask[:, 1:]
    if end is None:
        return x, mask
    lengths = mask.sum(dim=1)
    x = torch.cat([x, x.new_zeros(len(x), 1, x.shape[-1])], dim=1)
    mask = torch.cat([mask, mask.new_zeros(len(mask), 1)], dim=1)
    at_end = torch.arange(x.shape[1], device=x.device) == lengths.unsqueeze(1)
    return torch.where(at_end.unsqueeze(-1), end, x), mask | at_end


def own_places(positions: Tensor, begins: bool, ends: bool) -> Tensor:
    """Places `(batch or 1, framed length)` of framed sequences, from those of formulas with a begin symbol first."""
    own = positions if begins else positions[:, 1:] - 1
    return torch.cat([own, own[:, -1:] + 1], dim=1) if ends else own
