"""The part of model space that a zoo covers, and how far outside it a subject lies."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_QUANTILE = 0.99
_LEAST_SCALE = 1e-6


@dataclass(frozen=True)
class Support:
    """Centre and standard deviation `(features,)` of statistics of the zoo's responses, and the distance beyond which a
    subject counts as unlike the zoo."""

    centre: Tensor
    scale: Tensor
    limit: float

    def distance(self, statistics: Tensor) -> Tensor:
        """The farthest that any of `statistics (..., features)` lies from the centre, in standard deviations.

        The farthest, not the mean: what is strange about a subject may show in few of them.
        """
        return self.deviations(statistics).abs().amax(dim=-1)

    def deviations(self, statistics: Tensor) -> Tensor:
        """How far each of `statistics (..., features)` lies from the centre, in standard deviations."""
        return (statistics - self.centre) / self.scale


def fit_support(train: NDArray[np.float64], held_out: NDArray[np.float64]) -> Support:
    """Centre and scale of training subjects `(subjects, features)`; the limit is the 0.99 quantile of the distances of
    subjects held out."""
    centre, scale = (
        torch.tensor(values, dtype=torch.float32) for values in (train.mean(axis=0), train.std(axis=0) + _LEAST_SCALE)
    )
    distances = Support(centre, scale, float("inf")).distance(torch.tensor(held_out, dtype=torch.float32)).numpy()
    return Support(centre, scale, float(np.quantile(distances, _QUANTILE)))
