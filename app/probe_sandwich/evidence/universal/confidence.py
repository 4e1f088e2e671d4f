"""From which confidence on verdicts are given on tasks that no training saw, by what was right on tasks left out."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.sandwich.card import ENOUGH_OF_A_LABEL

WANTED = 0.85
"""Share of right verdicts among those that are given, every task of both labels counting alike."""
_NEVER = 0.5
_STEPS = np.linspace(0, _NEVER, 21)[:-1]


def confidence(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far probabilities are from saying nothing, 0 to 0.5."""
    distance: NDArray[np.float64] = np.abs(probability - 0.5)
    return distance


def of_both_labels(labels: NDArray[np.bool_], tasks: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Which subjects are of a task that has enough of either label to have a say, `(subjects,)`: where nearly all are
    alike, hardly a verdict is wrong."""
    own = {task: labels[tasks == task] for task in np.unique(tasks).tolist()}
    enough = [task for task, some in own.items() if min(some.sum(), (~some).sum()) >= ENOUGH_OF_A_LABEL]
    return np.isin(tasks, enough)


def right_by_task(right: NDArray[np.bool_], tasks: NDArray[np.str_], sure: NDArray[np.bool_]) -> float | None:
    """Share of right verdicts among those that are sure, every task counting alike; None where none is sure."""
    by_task = [right[sure & (tasks == task)].mean() for task in np.unique(tasks[sure])]
    return float(np.mean(by_task)) if by_task else None


def least_confidence(
    probability: NDArray[np.float64], labels: NDArray[np.bool_], tasks: NDArray[np.str_], threshold: float
) -> float:
    """The least confidence from which on the wanted share of verdicts on left-out subjects is right: the mean over the
    tasks of both labels that have any so sure; 0.5, which nothing exceeds, where there is no such."""
    right, telling = (probability >= threshold) == labels, of_both_labels(labels, tasks)
    for step in _STEPS.tolist():
        share = right_by_task(right, tasks, telling & (confidence(probability) >= step))
        if share is not None and share >= WANTED:
            return float(step)
    return _NEVER


def answered_by_others(
    probability: NDArray[np.float64], labels: NDArray[np.bool_], tasks: NDArray[np.str_], threshold: float
) -> NDArray[np.bool_]:
    """Which subjects get a verdict where the rule for each task comes from the other tasks alone, `(subjects,)`."""
    answered = np.zeros(len(labels), np.bool_)
    for task in np.unique(tasks):
        own = tasks == task
        least = least_confidence(probability[~own], labels[~own], tasks[~own], threshold)
        answered[own] = confidence(probability[own]) >= least
    return answered
