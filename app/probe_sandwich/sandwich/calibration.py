"""From a sandwich's score to a probability, fitted on subjects held out of its training."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

_PRIOR_STRENGTH = 1.0
DIGITS = 6
"""Told of a probability: what lies below differs from one computer to the next, and must decide no order."""


class Calibration(BaseModel):
    """P(generalizer) = sigmoid(slope * score + shift) (Platt 1999)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float
    shift: float

    def probability(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of scores, of any shape."""
        result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(self.slope * score + self.shift, -30, 30)))
        return result.round(DIGITS)


def fit_calibration(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
) -> Calibration:
    """Maximum a posteriori slope and shift; the prior keeps the log-slope near zero where subjects are few. `weights`:
    how much each subject counts, by default alike."""
    from scipy.optimize import minimize  # noqa: PLC0415 - as only training needs it: the service starts a second sooner

    counts = np.ones(len(scores)) if weights is None else weights

    def loss(parameters: NDArray[np.float64]) -> float:
        log_slope, shift = parameters
        z = math.exp(log_slope) * scores + shift
        likelihood = (counts * np.logaddexp(0, np.where(labels, -z, z))).sum()
        return float(likelihood + _PRIOR_STRENGTH * log_slope**2 / 2)

    log_slope, shift = minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return Calibration(slope=float(math.exp(log_slope)), shift=float(shift))
