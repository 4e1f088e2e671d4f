"""Splits of a zoo that never part the seeds of one configuration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fold:
    """Positions of the subjects that one member is trained on (stopping and calibration included) and judged on."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def make_folds(groups: NDArray[np.int64], configurations: NDArray[np.int64], folds: int, seed: int) -> list[Fold]:
    """Cross-validation grouped by configuration, whose numbers are `groups (subjects,)`.

    `configurations` are all such numbers, with or without subjects. Every subject stands in one test part.
    """
    rng = np.random.default_rng(seed)
    tests = [np.isin(groups, part) for part in np.array_split(rng.permutation(np.unique(configurations)), folds)]
    return [Fold(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]


def leave_one_scheme_out(schemes: NDArray[np.str_]) -> list[Fold]:
    """One fold a position scheme: its subjects are judged by what saw none of the scheme."""
    tests = [schemes == scheme for scheme in np.unique(schemes)]
    return [Fold(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]


def thinned(fold: Fold, groups: NDArray[np.int64], share: float, least: int, seed: int) -> Fold:
    """The same test part, and a share of the training configurations, at least so many."""
    rng = np.random.default_rng(seed)
    found = rng.permutation(np.unique(groups[fold.train]))
    remaining = np.isin(groups, found[: max(least, round(share * len(found)))])
    return Fold(fold.train[remaining[fold.train]], fold.test)
