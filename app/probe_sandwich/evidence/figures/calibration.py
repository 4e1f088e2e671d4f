"""Whether probabilities are as often right as they say."""

import numpy as np
from numpy.typing import NDArray

_BINS = 10


def calibration_error(probability: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for one in np.unique(bins):
        rows = bins == one
        error += rows.mean() * abs(probability[rows].mean() - label[rows].mean())
    return float(error)
