"""Which subjects are trained on, and which are judged."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from probe_sandwich.evidence.universal.table import Table

Part = NDArray[np.int64]
"""Places in the table."""
LEAST_TRAINING, LEAST_JUDGED = 50, 10
SHORT, LONG = 14, 20
NARROW, WIDE, DEEP = 48, 64, 6


@dataclass(frozen=True)
class JudgedSplit:
    """A named split: what is judged was in no way seen."""

    name: str
    train: Part
    test: Part


def by_configuration(table: "Table", folds: int, seed: int) -> list[JudgedSplit]:
    """Cross-validation over the configurations outside the reserve."""
    known = ~table.reserve
    judged = in_folds(table.configurations, known, folds, seed)
    return [_split(f"configurations {number}", known & ~test, known & test) for number, test in enumerate(judged)]


def in_folds(
    configurations: NDArray[np.int64], known: NDArray[np.bool_], folds: int, seed: int
) -> list[NDArray[np.bool_]]:
    """Which subjects each fold judges, `(subjects,)` each: the configurations of those that are known, dealt out at
    random."""
    found = np.random.default_rng(seed).permutation(np.unique(configurations[known]))
    return [np.isin(configurations, part) for part in np.array_split(found, folds)]


def task_left_out(table: "Table") -> list[JudgedSplit]:
    """Each task in turn, judged by what saw no subject of it."""
    return _usable(_split(f"task {task}", table.tasks != task, table.tasks == task) for task in np.unique(table.tasks))


def length_left_out(table: "Table") -> list[JudgedSplit]:
    """Trained on short T, judged on long."""
    return _usable([_split(f"T >= {LONG}", table.lengths <= SHORT, table.lengths >= LONG)])


def size_left_out(table: "Table") -> list[JudgedSplit]:
    """Trained on narrow subjects that are not deep, judged on wide or deep ones."""
    width = np.array([row.config.d_model for row in table.rows])
    layers = np.array([row.config.layers for row in table.rows])
    large = (width >= WIDE) | (layers >= DEEP)
    return _usable([_split(f"d >= {WIDE} or {DEEP} layers", (width <= NARROW) & (layers < DEEP), large)])


def _usable(splits: Iterable[JudgedSplit]) -> list[JudgedSplit]:
    return [split for split in splits if len(split.train) >= LEAST_TRAINING and len(split.test) >= LEAST_JUDGED]


def _split(name: str, train: NDArray[np.bool_], test: NDArray[np.bool_]) -> JudgedSplit:
    return JudgedSplit(name, np.flatnonzero(train), np.flatnonzero(test))
