"""Balanced sets: what they must hold at every length, on every task."""

import time

import numpy as np
import pytest
from probe_sandwich.tasks.datasets import NoFormulas, sample_formulas
from probe_sandwich.tasks.logic.canonical import canonical
from probe_sandwich.tasks.logic.solver import satisfiable
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.shortcuts import bag_of_symbols
from probe_sandwich.tasks.splits import Split

T = 16
SHALLOW = Task(name=TaskName.FORMULA, variables=2, max_depth=1)
TASKS = [Task(name=name) for name in TaskName]
ALSO_SHALLOW = [*TASKS, SHALLOW]


@pytest.mark.parametrize("task", ALSO_SHALLOW, ids=lambda task: task.name)
def test_half_of_the_formulas_are_satisfiable_at_every_length(task: Task) -> None:
    formulas = sample_formulas(task, 1, 40, 1000, seed=1)
    for length in np.unique(formulas.lengths):
        assert formulas.satisfiable[formulas.lengths == length].mean() == 0.5


@pytest.mark.parametrize("task", ALSO_SHALLOW, ids=lambda task: task.name)
def test_labels_are_the_solvers(task: Task) -> None:
    formulas = sample_formulas(task, 1, 40, 400, seed=2)
    assert [satisfiable(text) for text in formulas.texts()] == formulas.satisfiable.tolist()


@pytest.mark.parametrize("task", ALSO_SHALLOW, ids=lambda task: task.name)
def test_formulas_have_their_lengths_and_are_distinct(task: Task) -> None:
    formulas = sample_formulas(task, 20, 24, 400, seed=3)
    texts = list(formulas.texts())
    assert [len(text) for text in texts] == formulas.lengths.tolist()
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("task", ALSO_SHALLOW, ids=lambda task: task.name)
def test_a_pair_differs_by_one_exchange_and_in_no_count(task: Task) -> None:
    formulas = sample_formulas(task, 12, 30, 400, seed=4)
    features = bag_of_symbols(formulas)
    assert (features[0::2] == features[1::2]).all()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_no_renamed_formula_crosses_from_training_to_evaluation(task: Task) -> None:
    def forms(split: Split) -> set[bytes]:
        formulas = sample_formulas(task, 8, 14, 4000, seed=5, split=split)
        return {row.tobytes() for row in canonical(formulas.ids)}

    assert not forms(Split.TRAINING) & forms(Split.EVALUATION)


def test_the_same_seed_gives_the_same_formulas() -> None:
    one, other = (sample_formulas(TASKS[1], 10, 20, 100, seed=9) for _ in range(2))
    assert (one.ids == other.ids).all()


def test_a_range_without_minimal_pairs_is_refused() -> None:
    with pytest.raises(NoFormulas, match="1 to 5 symbols"):
        sample_formulas(TASKS[0], 1, 5, 10, seed=0)


def test_a_stop_is_heard_between_the_rounds_of_one_length_and_changes_nothing_of_what_is_drawn() -> None:
    rounds: list[None] = []
    heard = sample_formulas(TASKS[0], 8, 8, 400, seed=3, before_round=lambda: rounds.append(None))
    assert len(rounds) > 1
    assert (heard.ids == sample_formulas(TASKS[0], 8, 8, 400, seed=3).ids).all()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_generation_keeps_pace(task: Task) -> None:
    # 100,000 in 10 s is measured by tests/benchmarks/formulas.py; small sets cost more a formula.
    started = time.process_time()
    assert len(sample_formulas(task, 12, 24, 10_000, seed=10, split=Split.TRAINING)) == 10_000
    assert time.process_time() - started < 5
