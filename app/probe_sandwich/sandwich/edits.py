"""Probes with one symbol exchanged for another: how far an answer hangs on each part of an input.

Where a subject looks shows at the lengths that it was trained on: a symbol that changes no answer there is not
missed further out. No edit has a label, nor is it known whether it changes the class.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor


def edited(symbols: Tensor, lengths: Tensor, parts: int, random: torch.Generator) -> Iterator[Tensor]:
    """Candidates `symbols (candidates, length, symbols)` of `lengths (candidates,)`, once for each of so many equal
    parts, with one symbol of it exchanged for another that some candidate holds.

    Where candidates hold one symbol alone, there is nothing to exchange it for.
    """
    ids, candidates = symbols.argmax(dim=-1), torch.arange(len(lengths))
    used, rank = _by_first_occurrence(symbols)
    for part in range(parts):
        share = (part + torch.rand(len(lengths), generator=random)) / parts
        at = (share * lengths).long()
        step = 1 + (torch.rand(len(lengths), generator=random) * (len(used) - 1)).long()
        other = used[(rank[ids[candidates, at]] + step) % len(used)]
        version = symbols.clone()
        version[candidates, at] = F.one_hot(other, symbols.shape[-1]).to(symbols)
        yield version


def _by_first_occurrence(symbols: Tensor) -> tuple[Tensor, Tensor]:
    """The symbols that candidates hold, in the order in which they come first, and each symbol's place in it: which
    number a symbol has must not decide what it is exchanged for."""
    flat = symbols.flatten(0, 1)  # (candidates * length, symbols)
    first = torch.where(flat.any(dim=0), flat.argmax(dim=0), len(flat))
    used = first.argsort(stable=True)[: int(flat.any(dim=0).sum())]
    rank = torch.zeros(symbols.shape[-1], dtype=torch.long)
    rank[used] = torch.arange(len(used))
    return used, rank
