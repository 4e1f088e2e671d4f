"""Which subjects are trained on, and which are judged."""

from pathlib import Path

import numpy as np
from probe_sandwich.evidence.universal.part import (
    JudgedSplit,
    by_configuration,
    in_folds,
    length_left_out,
    size_left_out,
    task_left_out,
)
from probe_sandwich.evidence.universal.table import Table

from tests.evidence.conftest import RowFactory, table_of


def test_no_seed_of_a_judged_configuration_was_trained_on_and_the_reserve_by_nothing(three_tasks: Table) -> None:
    splits = by_configuration(three_tasks, 3, seed=0)
    judged = np.concatenate([split.test for split in splits])
    assert sorted(judged.tolist()) == np.flatnonzero(~three_tasks.reserve).tolist()
    for split in splits:
        assert not set(three_tasks.configurations[split.train]) & set(three_tasks.configurations[split.test])
        assert not three_tasks.reserve[split.train].any()
        assert len(split.train) + len(split.test) == (~three_tasks.reserve).sum()


def test_folds_are_dealt_out_by_the_seed() -> None:
    configurations, known = np.arange(40), np.ones(40, np.bool_)
    one, again, other = (in_folds(configurations, known, 4, seed) for seed in (0, 0, 1))
    assert [fold.sum() for fold in one] == [10] * 4
    assert all(np.array_equal(*pair) for pair in zip(one, again, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_each_task_in_turn_is_judged_by_what_saw_none_of_it(three_tasks: Table) -> None:
    splits = task_left_out(three_tasks)
    assert [split.name for split in splits] == ["task cnf", "task conjunction", "task formula"]
    for split in splits:
        (task,) = set(three_tasks.tasks[split.test])
        assert split.name == f"task {task}"
        assert task not in three_tasks.tasks[split.train]


def test_long_ones_are_judged_by_what_saw_short_ones(three_tasks: Table) -> None:
    (split,) = length_left_out(three_tasks)
    assert set(three_tasks.lengths[split.train]) == {12}
    assert set(three_tasks.lengths[split.test]) == {24}


def test_large_ones_are_judged_by_what_saw_small_ones(tmp_path: Path, row_of: RowFactory) -> None:
    small, middle = ({"d_model": width, "layers": 3} for width in (48, 56))
    wide, deep = {"d_model": 64, "layers": 3}, {"d_model": 48, "layers": 6}
    sizes = [small] * 50 + [middle] + [wide] * 5 + [deep] * 5
    table = table_of(tmp_path, [row_of(number, **size) for number, size in enumerate(sizes)])
    (split,) = size_left_out(table)
    assert split.train.tolist() == list(range(50))
    assert split.test.tolist() == list(range(51, 61))


def test_what_leaves_too_few_to_train_on_or_to_judge_is_no_split(tmp_path: Path, row_of: RowFactory) -> None:
    def splits(short: int, long: int) -> list[JudgedSplit]:
        lengths = [12] * short + [24] * long
        folder = tmp_path / f"{short}-{long}"
        return length_left_out(
            table_of(folder, [row_of(number, train_max_length=length) for number, length in enumerate(lengths)])
        )

    assert [len(splits(*counts)) for counts in ((50, 10), (49, 10), (50, 9))] == [1, 0, 0]


def test_a_zoo_of_one_task_leaves_no_task_to_train_on(tmp_path: Path, row_of: RowFactory) -> None:
    assert task_left_out(table_of(tmp_path, [row_of(number) for number in range(60)])) == []
