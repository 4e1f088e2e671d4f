"""The subjects of several zoos in one table."""

from pathlib import Path

import numpy as np
import pytest
import torch
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.zoo.shards import read_index

from tests.evidence.conftest import RowFactory, table_of

CNF = Task(name=TaskName.CNF)


def test_a_task_counts_by_the_square_root_of_its_subjects(tmp_path: Path, row_of: RowFactory) -> None:
    rows = [row_of(number) for number in range(4)] + [row_of(4, task=CNF)]
    table = table_of(tmp_path, rows)
    assert table.task_weights(np.arange(5)) == pytest.approx([5 / 6] * 4 + [5 / 3])
    assert table.task_weights(np.array([0, 4])) == pytest.approx([1, 1])


def test_only_converged_subjects_whose_weights_are_there_are_in_it(tmp_path: Path, row_of: RowFactory) -> None:
    pruned = row_of(1).model_copy(update={"row": None})
    failed = row_of(2).model_copy(update={"converged": False})
    table = table_of(tmp_path, [row_of(0), pruned, failed, row_of(3)])
    assert [row.seed for row in table.rows] == [0, 3]
    (chosen,) = Table.of([tmp_path], among={row_of(3).subject}).rows
    assert chosen.seed == 3


def test_what_is_known_of_a_subject_stands_at_its_place(tmp_path: Path, row_of: RowFactory) -> None:
    untested = row_of(1, 7, label=False, reserve=True, task=CNF, train_max_length=20)
    table = table_of(tmp_path, [row_of(0, 3), untested.model_copy(update={"long_accuracy": None})])
    assert table.labels.tolist() == [True, False]
    assert table.long_accuracy.tolist() == [0.97, 0.5]
    assert table.tasks.tolist() == ["conjunction", "cnf"]
    assert table.lengths.tolist() == [12, 20]
    assert table.reserve.tolist() == [False, True]


def test_no_two_zoos_share_a_configuration(tmp_path: Path, row_of: RowFactory) -> None:
    rows = [row_of(0, 0), row_of(1, 0), row_of(2, 1)]
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        table_of(folder, rows)
    numbers = Table.of(folders).configurations
    assert [len(np.unique(numbers[some])) for some in (slice(0, 3), slice(3, 6), slice(0, 6))] == [2, 2, 4]


def test_cohorts_bear_the_places_of_their_subjects_in_the_table(small_zoo: Path) -> None:
    table = Table.of([small_zoo, small_zoo])
    one, other = 2, len(read_converged(small_zoo)) + 4
    cohorts = table.cohorts(np.array([one, other]), torch.device("cpu"))
    assert sorted(number for cohort in cohorts for number in cohort.numbers.tolist()) == [one, other]
    for cohort in cohorts:
        (number,) = cohort.numbers.tolist()
        assert cohort.groups.tolist() == [table.configurations[number]]
        assert cohort.labels.tolist() == [table.labels[number]]
        assert cohort.subjects.configs[0] == table.rows[number].config


def read_converged(folder: Path) -> list[object]:
    return [row for row in read_index(folder) if row.converged]
