"""Splits of a zoo that never part the seeds of one configuration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fold:
    """Positions of the subjects that one member trains on, stops and calibrates on, and is judged on."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def make_folds(groups: NDArray[np.int64], configurations: NDArray[np.int64], folds: int, seed: int) -> list[Fold]:
    """Cross-validation grouped by configuration, of subjects with these group numbers.

    `configurations` are all the groups' numbers, with or without subjects among `groups`. Every subject stands in one
    test part. Validation is a fifth of the configurations that are not in the test part.
    """
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(np.unique(configurations)), folds)
    result = []
    for number, test_groups in enumerate(parts):
        others = np.concatenate([part for other, part in enumerate(parts) if other != number])
        others = rng.permutation(others)
        validation_groups = others[: max(1, len(others) // 5)]
        test = np.isin(groups, test_groups)
        validation = np.isin(groups, validation_groups)
        train = ~test & ~validation
        result.append(Fold(np.flatnonzero(train), np.flatnonzero(validation), np.flatnonzero(test)))
    return result


def leave_one_scheme_out(groups: NDArray[np.int64], schemes: NDArray[np.str_], seed: int) -> list[Fold]:
    """One fold a position scheme: its subjects are judged by what saw none of the scheme.

    Validation is a fifth of the other schemes' configurations.
    """
    rng = np.random.default_rng(seed)
    result = []
    for scheme in np.unique(schemes):
        test = schemes == scheme
        others = rng.permutation(np.unique(groups[~test]))
        validation = np.isin(groups, others[: max(1, len(others) // 5)])
        result.append(
            Fold(
                np.flatnonzero(~test & ~validation),
                np.flatnonzero(validation),
                np.flatnonzero(test),
            )
        )
    return result
