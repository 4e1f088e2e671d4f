"""Which head of a readout is blind to which configuration: it is not trained on that configuration's subjects, so that
training can stop, and calibration be fitted, by what it says of them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class TooFewConfigurations(ValueError):
    """A readout has more heads than there are configurations to hide from them."""


@dataclass(frozen=True)
class BlindHeads:
    """The head that is blind to each configuration, `by_configuration (highest number + 1,)`; -1 where no subject has
    that number. A head that is blind to a subject is blind to all of its configuration."""

    by_configuration: Tensor

    @staticmethod
    def assign(units: Tensor, groups: Tensor, heads: int, seed: int) -> "BlindHeads":
        """Deal units of subjects out among the heads in random order: `units (subjects,)` are their configurations,
        `groups (subjects,)`, or hold several of these each. Raises `TooFewConfigurations`."""
        found, unit = units.unique(return_inverse=True)
        if len(found) < heads:
            raise TooFewConfigurations(
                f"{heads} heads need at least as many configurations, and there are {len(found)}: build more, or lower "
                "SandwichConfig.heads"
            )
        order = torch.randperm(len(found), generator=torch.Generator().manual_seed(seed))
        head = torch.empty_like(order)
        head[order] = torch.arange(len(found)) % heads
        table = torch.full((int(groups.max()) + 1,), -1)
        table[groups] = head[unit]
        return BlindHeads(table)

    def of(self, groups: Tensor) -> Tensor:
        """The head that is blind to each subject, `(subjects,)`, by configuration numbers `groups (subjects,)`."""
        return self.by_configuration[groups]

    def held_out(self, scores: NDArray[np.float64], groups: Tensor) -> NDArray[np.float64]:
        """Of scores `(heads, subjects)` each subject's by the head that is blind to it, `(subjects,)`."""
        blind = self.of(groups).numpy()
        own: NDArray[np.float64] = scores[blind, np.arange(len(blind))]
        return own
