"""Figures of a method that draws anew: one AUC a draw."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.figures.auc import auc, bootstrapped_auc, middle_interval
from probe_sandwich.evidence.figures.lead import Lead


def areas(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """AUC of each draw, `(draws,)`, of scores `(draws, subjects)`."""
    return np.array([auc(draw, labels) for draw in scores], np.float64)


def lead_of_draws(
    scores: NDArray[np.float64],
    rival: NDArray[np.float64],
    labels: NDArray[np.bool_],
    groups: NDArray[np.int64],
    seed: int = 0,
) -> Lead | None:
    """How far the AUC of one draw is ahead of that of the rival's, averaged over the draws of `(draws, subjects)`. None
    where there is one label only."""
    own, other = (_bootstrapped(arm, labels, groups, seed) for arm in (scores, rival))
    low, high = middle_interval(own - other)
    if low is None or high is None:
        return None
    return Lead(auc=float(areas(scores, labels).mean() - areas(rival, labels).mean()), low=low, high=high)


def _bootstrapped(
    arm: NDArray[np.float64], labels: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.mean([bootstrapped_auc(draw, labels, groups, seed) for draw in arm], axis=0)
    return mean
