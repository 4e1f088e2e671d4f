"""Responses of frozen subjects, kept so that readouts can be fitted without running the subjects again."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from probe_sandwich.sandwich.cohorts import Cohort, in_chunks
from probe_sandwich.sandwich.sandwich import Sandwich


@dataclass(frozen=True)
class Kept:
    """`channels (subjects, draws, placements, probes, channels)` with what is known of each subject, `(subjects,)`:
    `labels`, `long_accuracy`, `groups` and `numbers` as in a `Cohort`."""

    channels: Tensor
    labels: Tensor
    long_accuracy: Tensor
    groups: Tensor
    numbers: Tensor

    def select(self, rows: Tensor) -> "Kept":
        """Some of the subjects."""
        return Kept(*(getattr(self, field.name)[rows] for field in fields(self)))

    def draws(self, some: slice) -> "Kept":
        """All of the subjects, some of the draws."""
        return replace(self, channels=self.channels[:, some])

    def usual_places(self) -> "Kept":
        """All of the subjects, the usual placement alone."""
        return replace(self, channels=self.channels[:, :, :1])


def keep(sandwich: Sandwich, cohorts: Sequence[Cohort], symbols: Tensor) -> Kept:
    """Responses to probes `symbols (draws, probes, length, symbols)`, one cohort after the other, on the CPU."""
    chunks = list(in_chunks(cohorts))
    with torch.inference_mode():
        channels = [
            torch.stack([sandwich.responses(chunk.subjects, draw) for draw in symbols], dim=1).cpu() for chunk in chunks
        ]
    facts = ("labels", "long_accuracy", "groups", "numbers")
    return Kept(torch.cat(channels), *(torch.cat([getattr(chunk, fact) for chunk in chunks]) for fact in facts))


def join_kept(parts: Sequence[Kept]) -> Kept:
    """All subjects of several, in the order of their numbers."""
    order = torch.cat([part.numbers for part in parts]).argsort()
    return Kept(*(torch.cat([getattr(part, field.name) for part in parts])[order] for field in fields(Kept)))
