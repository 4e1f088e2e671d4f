"""Figures of merit of predicted probabilities."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import rankdata, spearmanr

_BOOTSTRAPS = 1000
_BINS = 10


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


class Metrics(BaseModel):
    """Figures over converged subjects; None where they are not defined: of one label only, say, or the calibration of
    what is no probability."""

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
) -> Metrics:
    """All figures; intervals are 95 % bootstraps over configurations. What is not `calibrated` is a score and no
    probability."""
    low, high = auc_interval(probability, label, group, seed)
    within, pairs = within_group_auc(probability, label, group)
    within_low, within_high = _within_group_interval(probability, label, group, seed)
    return Metrics(
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
    drawn = _bootstrapped_auc(score, label, group, seed) - _bootstrapped_auc(rival, label, group, seed)
    low, high = _interval(drawn)
    if one is None or other is None or low is None or high is None:
        return None
    return Lead(auc=one - other, low=low, high=high)


def short(figure: float | None) -> str:
    """A figure as tables show it."""
    return "-" if figure is None else f"{figure:.3f}"


def auc(score: NDArray[np.float64], label: NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve, by the rank sum (Hanley & McNeil 1982); None where there is one label only.

    Some twenty times faster than scikit-learn's at these sizes, and a bootstrap asks for thousands.
    """
    positives, negatives = int(label.sum()), int((~label).sum())
    if not positives or not negatives:
        return None
    ranks = rankdata(score)[label].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def auc_interval(
    score: NDArray[np.float64], label: NDArray[np.bool_], group: NDArray[np.int64], seed: int
) -> tuple[float | None, float | None]:
    """95 % interval of `auc`, resampling whole configurations."""
    return _interval(_bootstrapped_auc(score, label, group, seed))


def within_group_auc(
    score: NDArray[np.float64], label: NDArray[np.bool_], group: NDArray[np.int64]
) -> tuple[float | None, int]:
    """Share of pairs (same configuration, different label) that the score orders rightly, ties as half, and
    the number of such pairs. Whatever knows the configuration alone scores 0.5."""
    right, pairs = _pairs_by_group(score, label, group).sum(axis=0)
    return (float(right / pairs) if pairs else None), int(pairs)


def _within_group_interval(
    score: NDArray[np.float64], label: NDArray[np.bool_], group: NDArray[np.int64], seed: int
) -> tuple[float | None, float | None]:
    """95 % interval of `within_group_auc`. A configuration that is drawn twice counts its pairs twice; none are formed
    between the copies."""
    by_group = _pairs_by_group(score, label, group)  # (groups, 2)
    right, pairs = (_times_drawn(len(by_group), seed) @ by_group).T  # (bootstraps,) each
    return _interval(np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))


def _pairs_by_group(
    score: NDArray[np.float64], label: NDArray[np.bool_], group: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of each configuration, how many of its pairs the score orders rightly and how many there are, `(groups, 2)`."""
    found = []
    for one in np.unique(group):
        positive, negative = score[(group == one) & label], score[(group == one) & ~label]
        difference = positive[:, None] - negative[None, :]
        found.append(((difference > 0).sum() + (difference == 0).sum() / 2, difference.size))
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _bootstrapped_auc(
    score: NDArray[np.float64], label: NDArray[np.bool_], group: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """`auc` on each drawn set of configurations, `(bootstraps,)`; NaN where a draw has one label only.

    A configuration that is drawn k times weighs k. The weighted rank sum of all draws is a few operations on one matrix
    `(bootstraps, distinct scores)`, where a ranking a draw took minutes over a table of methods.
    """
    _, number = np.unique(group, return_inverse=True)
    order = np.argsort(score, kind="stable")
    weight = _times_drawn(int(number.max()) + 1, seed)[:, number[order]]  # (bootstraps, subjects), by rising score
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)
    positives = np.add.reduceat(weight * label[order], starts, axis=1)  # (bootstraps, distinct scores)
    negatives = np.add.reduceat(weight * ~label[order], starts, axis=1)
    below = negatives.cumsum(axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    right = (positives * below).sum(axis=1)
    shares: NDArray[np.float64] = np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return shares


def _times_drawn(groups: int, seed: int) -> NDArray[np.float64]:
    """How often each configuration is drawn, `(bootstraps, groups)`; the same for the same seed, so that two figures
    on the same draws are paired."""
    rng = np.random.default_rng(seed)
    drawn = [np.bincount(rng.integers(groups, size=groups), minlength=groups) for _ in range(_BOOTSTRAPS)]
    return np.array(drawn, dtype=np.float64)


def _interval(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The middle 95 %, of the draws that have a value."""
    found = values[~np.isnan(values)]
    if not len(found):
        return None, None
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def calibration_error(probability: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for one in np.unique(bins):
        rows = bins == one
        error += rows.mean() * abs(probability[rows].mean() - label[rows].mean())
    return float(error)


def _spearman(score: NDArray[np.float64], value: NDArray[np.float64]) -> float | None:
    if len(np.unique(score)) < 2 or len(np.unique(value)) < 2:
        return None
    return float(spearmanr(score, value).statistic)
