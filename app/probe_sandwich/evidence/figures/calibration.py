"""Whether probabilities are as often right as they say."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
_BINS = 10


class CoveragePoint(BaseModel):
    """Accuracy among a share of the subjects, those with the surest verdicts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: float
    accuracy: float


def calibration_error(probability: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for one in np.unique(bins):
        rows = bins == one
        error += rows.mean() * abs(probability[rows].mean() - label[rows].mean())
    return float(error)


def risk_coverage(probability: NDArray[np.float64], labels: NDArray[np.bool_], threshold: float) -> list[CoveragePoint]:
    """Accuracy among the surest of the subjects, for several shares of them (El-Yaniv & Wiener 2010)."""
    surest = np.argsort(-np.abs(probability - threshold), kind="stable")
    right = ((probability >= threshold) == labels)[surest]
    return [
        CoveragePoint(coverage=share, accuracy=float(right[: round(share * len(right))].mean())) for share in COVERAGES
    ]
