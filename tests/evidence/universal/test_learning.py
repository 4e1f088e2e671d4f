"""What readouts say of tasks that they did not see, by how many they were trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from probe_sandwich.evidence.universal.evaluation import facts_of
from probe_sandwich.evidence.universal.figures import LearningPoint
from probe_sandwich.evidence.universal.learning import learning_curve
from probe_sandwich.evidence.universal.part import Part
from probe_sandwich.evidence.universal.table import Table

from tests.evidence.conftest import RowFactory, table_of


def curve(table: Table, heads: int = 2) -> tuple[list[LearningPoint], list[Part]]:
    """The curve of readouts that know the labels of what they were trained on, and say the opposite elsewhere; and what
    each was trained on."""
    trained: list[Part] = []

    def probabilities(trains: Sequence[Part]) -> list[NDArray[np.float64]]:
        trained.extend(trains)
        return [np.where(np.isin(np.arange(len(table)), train) == table.labels, 0.9, 0.1) for train in trains]

    return learning_curve(table, facts_of(table, np.arange(len(table))), heads, probabilities), trained


def test_readouts_are_judged_on_the_tasks_that_they_did_not_see(three_tasks: Table) -> None:
    points, trained = curve(three_tasks)
    assert [(point.tasks, point.draws) for point in points] == [(1, 3), (2, 3)]
    for point in points:
        assert (point.auc, point.mean_task_auc, point.accuracy) == (0, 0, 0)
        assert point.calibration_error == pytest.approx(0.9)
    for train in trained:
        tasks = set(three_tasks.tasks[train])
        assert len(train) == np.isin(three_tasks.tasks, list(tasks)).sum()  # whole tasks
    assert [len(set(three_tasks.tasks[train])) for train in trained] == [1, 1, 1, 2, 2, 2]


def test_the_tasks_of_a_draw_grow(three_tasks: Table) -> None:
    _, trained = curve(three_tasks)
    for one, two in zip(trained[:3], trained[3:], strict=True):
        assert set(one) < set(two)


def test_only_a_task_of_both_labels_and_enough_configurations_begins_one(tmp_path: Path, row_of: RowFactory) -> None:
    rows = [row_of(number, number) for number in range(12)]
    assert curve(table_of(tmp_path / "one-label", rows))[0] == []
    both = [row_of(number, number // 6, label=number % 2 == 0) for number in range(12)]
    assert curve(table_of(tmp_path / "both", both), heads=3)[0] == []
