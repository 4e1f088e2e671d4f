"""What choosing a seed by a score is worth: the share of the gap from a random seed to the best one that it closes."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.figures.auc import middle_interval

LEAST_SEEDS = 3
_BOOTSTRAPS = 1000


def gaps(
    score: NDArray[np.float64], long_accuracy: NDArray[np.float64], configuration: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of each configuration of at least three subjects, the long accuracy that the chosen one has over their mean, and
    what the best one has over it, `(configurations, 2)`. Where scores tie, any of them may be chosen."""
    found = []
    for one in np.unique(configuration):
        rows = configuration == one
        if rows.sum() < LEAST_SEEDS:
            continue
        accuracy = long_accuracy[rows]
        chosen = accuracy[score[rows] == score[rows].max()].mean()
        found.append((chosen - accuracy.mean(), accuracy.max() - accuracy.mean()))
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def closed(gaps: NDArray[np.float64]) -> float | None:
    """Share of the gap that is closed, all configurations together; None where there is none."""
    gained, possible = gaps.sum(axis=0)
    return float(gained / possible) if possible > 0 else None


def bootstrapped(gaps: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """`closed` on each drawn set of configurations, `(bootstraps,)`; the same draws for the same seed, so that two
    scores are compared in pairs."""
    if not len(gaps):
        return np.full(_BOOTSTRAPS, np.nan)
    drawn = np.random.default_rng(seed).integers(len(gaps), size=(_BOOTSTRAPS, len(gaps)))
    gained, possible = gaps[drawn].sum(axis=1).T
    shares: NDArray[np.float64] = np.divide(gained, possible, out=np.full(_BOOTSTRAPS, np.nan), where=possible > 0)
    return shares


def closed_interval(gaps: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """95 % interval of `closed`."""
    return middle_interval(bootstrapped(gaps))
