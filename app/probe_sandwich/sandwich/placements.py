"""Where the symbols of a probe stand: at the usual places, and at places beyond the training length.

A longer formula differs from a probe, which has at most T symbols, in the places of its symbols as well as in their
number. Placing a short probe further on, or its parts further apart, tests the places without the number (places
drawn at random beyond the training length: Ruoss et al. 2023, arXiv 2305.16843; there for training).
"""

from enum import StrEnum

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor


class Kind(StrEnum):
    """How a probe is placed: moved as a whole, cut in two parts with a gap between them, or spread at random."""

    SHIFTED = "shifted"
    PARTED = "parted"
    SPREAD = "spread"


class Placement(BaseModel):
    """One way to place every probe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    reach: float = Field(ge=1, le=4, description="where the last symbol may stand, in multiples of T")

    @property
    def name(self) -> str:
        """As reports call it."""
        return f"{self.kind} to {self.reach:g}T"


def places_by_length(placement: Placement, lengths: Tensor, train_max_length: int, random: torch.Generator) -> Tensor:
    """Positions `(probes, 1 + longest)` of the begin symbol and of the symbols of probes of `lengths (probes,)`,
    rising; what stands beyond a probe's end counts on from its last symbol.

    A shift moves the begin symbol too; else it stays at 0. A part has two symbols at the least. Where T leaves no room,
    places are the usual ones.
    """
    longest = int(lengths.max())
    usual = torch.arange(1 + longest).expand(len(lengths), -1)
    reach = torch.maximum(lengths, torch.tensor(round(placement.reach * train_max_length)))
    room = (reach - lengths).unsqueeze(1)
    if placement.kind is Kind.SHIFTED:
        return usual + room
    if placement.kind is Kind.PARTED:
        choices = (lengths - 3).clamp(min=1)
        cuts = 3 + (torch.rand(len(lengths), generator=random) * choices).long()
        return usual + (usual >= cuts.unsqueeze(1)) * room
    order = torch.rand(len(lengths), int(reach.max()), generator=random)
    beyond = torch.arange(order.shape[1]) >= reach.unsqueeze(1)
    rank = order.masked_fill(beyond, torch.inf).argsort(dim=1).argsort(dim=1)
    place = torch.arange(1, 1 + order.shape[1]).expand_as(rank)
    chosen = place.masked_fill(rank >= lengths.unsqueeze(1), order.shape[1] + 1).sort(dim=1).values[:, :longest]
    inside = torch.arange(longest) < lengths.unsqueeze(1)
    last = (chosen * inside).amax(dim=1, keepdim=True)
    onwards = last + torch.arange(1, 1 + longest) - lengths.unsqueeze(1)
    return torch.cat([torch.zeros_like(last), torch.where(inside, chosen, onwards)], dim=1)
