"""Figures of merit of predicted probabilities."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import spearmanr

from probe_sandwich.evidence.figures.auc import (
    auc,
    auc_interval,
    bootstrapped_auc,
    middle_interval,
    within_configuration_auc,
    within_configuration_interval,
)
from probe_sandwich.evidence.figures.calibration import calibration_error


class Lead(BaseModel):
    """How much larger one method's AUC is than another's on the same subjects, with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auc: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the interval excludes 0, on either side."""
        return self.low > 0 or self.high < 0


class Figures(BaseModel):
    """Figures of one method over converged subjects; None where one is not defined: where there is one label only, or
    where the method gives a score that is no probability."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    within_configuration_auc: float | None
    within_configuration_low: float | None
    within_configuration_high: float | None
    within_configuration_pairs: int
    spearman: float | None
    brier: float | None
    expected_calibration_error: float | None
    accuracy: float | None
    tokens: int | None = None
    """That one answer runs through the subject."""
    sandwich_lead: Lead | None = None
    """Of the sandwich's AUC over this one."""


def measure(
    probability: NDArray[np.float64],
    label: NDArray[np.bool_],
    long_accuracy: NDArray[np.float64],
    group: NDArray[np.int64],
    threshold: float = 0.5,
    seed: int = 0,
    *,
    calibrated: bool = True,
) -> Figures:
    """All figures; intervals are 95 % bootstraps over configurations. What is not `calibrated` is a score and no
    probability."""
    low, high = auc_interval(probability, label, group, seed)
    within, pairs = within_configuration_auc(probability, label, group)
    within_low, within_high = within_configuration_interval(probability, label, group, seed)
    return Figures(
        subjects=len(label),
        positives=int(label.sum()),
        auc=auc(probability, label),
        auc_low=low,
        auc_high=high,
        within_configuration_auc=within,
        within_configuration_low=within_low,
        within_configuration_high=within_high,
        within_configuration_pairs=pairs,
        spearman=_spearman(probability, long_accuracy),
        brier=float(np.mean((probability - label) ** 2)) if calibrated else None,
        expected_calibration_error=calibration_error(probability, label) if calibrated else None,
        accuracy=float(np.mean((probability >= threshold) == label)) if calibrated else None,
    )


def lead(
    score: NDArray[np.float64],
    rival: NDArray[np.float64],
    label: NDArray[np.bool_],
    group: NDArray[np.int64],
    seed: int = 0,
) -> Lead | None:
    """AUC of a score less that of its rival; the interval is a paired bootstrap, both judged on the same drawn
    configurations. None where there is one label only."""
    one, other = auc(score, label), auc(rival, label)
    drawn = bootstrapped_auc(score, label, group, seed) - bootstrapped_auc(rival, label, group, seed)
    low, high = middle_interval(drawn)
    if one is None or other is None or low is None or high is None:
        return None
    return Lead(auc=one - other, low=low, high=high)


def _spearman(score: NDArray[np.float64], value: NDArray[np.float64]) -> float | None:
    if len(np.unique(score)) < 2 or len(np.unique(value)) < 2:
        return None
    return float(spearmanr(score, value).statistic)
