"""Learning curve over tasks: what readouts say of tasks that they did not see, by how many they were trained on."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.evidence.figures.calibration import calibration_error
from probe_sandwich.evidence.universal.figures import Facts, LearningPoint, task_aucs
from probe_sandwich.evidence.universal.part import LEAST_JUDGED, Part
from probe_sandwich.evidence.universal.settings import THRESHOLD
from probe_sandwich.evidence.universal.table import Table

SIZES, DRAWS = (1, 2, 4, 8), 3
_SEED = 11
Fitting = Callable[[Sequence[Part]], Sequence[NDArray[np.float64]]]
"""From sets of training subjects to what a readout of each says of every subject of the table."""


def learning_curve(table: Table, facts: Facts, heads: int, probabilities: Fitting) -> list[LearningPoint]:
    """A point for each number of tasks that leaves others to judge. The tasks of a draw grow from point to point; only
    tasks with both labels begin one, as nothing is learned from one label, and with a configuration for each of the
    heads."""
    tasks, count = np.unique(table.tasks, return_counts=True)
    tasks = tasks[count >= LEAST_JUDGED]
    first = [
        task
        for task in tasks
        if 0 < facts.labels[own := table.tasks == task].mean() < 1
        and len(np.unique(table.configurations[own])) >= heads
    ]
    if not first:
        return []
    random = np.random.default_rng(_SEED)
    orders = [_order(tasks, first[int(random.integers(len(first)))], random) for _ in range(DRAWS)]
    draws = [(size, order) for size in SIZES if size < len(tasks) for order in orders]
    said = probabilities([np.flatnonzero(np.isin(table.tasks, order[:size])) for size, order in draws])
    measured: dict[int, list[Measured]] = defaultdict(list)
    for (size, order), score in zip(draws, said, strict=True):
        others = np.isin(table.tasks, order[size:])
        measured[size].append(_measure(score[others], facts.select(others)))
    return [_point(size, found) for size, found in measured.items()]


def _order(tasks: NDArray[np.str_], first: str, random: np.random.Generator) -> list[str]:
    return [first, *random.permutation(tasks[tasks != first]).tolist()]


Measured = tuple[float | None, float | None, float, float]


def _measure(score: NDArray[np.float64], facts: Facts) -> Measured:
    """AUC pooled, its mean over tasks, accuracy and calibration error."""
    areas = task_aucs(score, facts)
    accuracy = float(np.mean((score >= THRESHOLD) == facts.labels))
    mean = float(np.mean(areas)) if areas else None
    return auc(score, facts.labels), mean, accuracy, calibration_error(score, facts.labels)


def _point(size: int, measured: list[Measured]) -> LearningPoint:
    pooled, means, accuracies, errors = zip(*measured, strict=True)
    return LearningPoint(
        tasks=size,
        draws=len(measured),
        auc=_median(pooled),
        mean_task_auc=_median(means),
        accuracy=float(np.median(accuracies)),
        calibration_error=float(np.median(errors)),
    )


def _median(values: tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
