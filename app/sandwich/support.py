"""The part of model space that a zoo covers, and how far outside it a subject lies."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_QUANTILE = 0.99


@dataclass(frozen=True)
class Support:
    """A Gaussian over the statistics of the zoo's responses: `centre (features,)`, `whitening (features,
    features)`, and the distance beyond which a subject counts as unlike the zoo."""

    centre: Tensor
    whitening: Tensor
    limit: float

    def distance(self, statistics: Tensor) -> Tensor:
        """Mahalanobis distance a feature of `statistics (..., features)`."""
        whitened = (statistics - self.centre) @ self.whitening
        return whitened.square().mean(dim=-1).sqrt()


def fit_support(train: NDArray[np.float64], held_out: NDArray[np.float64]) -> Support:
    """Centre and covariance (Ledoit & Wolf 2004) from training subjects `(subjects, features)`; the limit is
    the 0.99 quantile of the distances of subjects held out."""
    from sklearn.covariance import LedoitWolf  # noqa: PLC0415 - as only training needs it: the service starts a second sooner

    shape = LedoitWolf().fit(train)
    values, vectors = np.linalg.eigh(shape.covariance_)
    support = Support(
        torch.tensor(shape.location_, dtype=torch.float32),
        torch.tensor(vectors / np.sqrt(np.maximum(values, 1e-8)), dtype=torch.float32),
        limit=float("inf"),
    )
    distances = support.distance(torch.tensor(held_out, dtype=torch.float32)).numpy()
    return Support(support.centre, support.whitening, float(np.quantile(distances, _QUANTILE)))
