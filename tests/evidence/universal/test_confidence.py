"""From which confidence on a task that no training saw gets verdicts."""

import numpy as np
from probe_sandwich.evidence.universal.confidence import answered_by_others, least_confidence

TASKS = np.repeat(["one", "two"], 20)
LABELS = np.tile([True, False], 20)
SURE = np.where(LABELS, 0.9, 0.1)


def test_where_all_verdicts_are_right_all_are_given() -> None:
    assert least_confidence(SURE, LABELS, TASKS, 0.5) == 0.0


def test_where_only_sure_ones_are_right_only_those_are_given() -> None:
    probability = SURE.copy()
    probability[::5] = np.where(LABELS[::5], 0.4, 0.6)
    assert 0 < least_confidence(probability, LABELS, TASKS, 0.5) < 0.4


def test_where_sure_ones_are_wrong_none_is_given() -> None:
    assert least_confidence(1 - SURE, LABELS, TASKS, 0.5) == 0.5


def test_every_task_counts_alike() -> None:
    """A hundred right verdicts of a task, and twenty wrong ones of another."""
    tasks, labels = np.concatenate([np.repeat("one", 80), TASKS]), np.concatenate([np.tile([True, False], 40), LABELS])
    probability = np.where(labels == (tasks == "one"), 0.9, 0.1)
    assert ((probability >= 0.5) == labels).mean() > 0.8
    assert least_confidence(probability, labels, tasks, 0.5) == 0.5


def test_a_task_of_nearly_one_label_has_no_say() -> None:
    """Its verdicts are right whoever gives them."""
    labels = np.where(TASKS == "one", LABELS, np.arange(40) % 5 > 0)
    probability = np.where(labels, 0.9, 0.1)
    probability[TASKS == "one"] = np.where(LABELS[:20], 0.1, 0.9)
    assert least_confidence(probability, labels, TASKS, 0.5) == 0.5


def test_a_task_has_no_say_in_what_of_it_is_answered() -> None:
    probability = np.where(TASKS == "one", SURE, 1 - SURE)
    answered = answered_by_others(probability, LABELS, TASKS, 0.5)
    assert not answered[TASKS == "one"].any()
    assert answered[TASKS == "two"].all()
