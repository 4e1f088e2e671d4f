"""How little bags of symbols tell, and that their readers can read."""

from dataclasses import replace

import pytest
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import IDS
from probe_sandwich.tasks.shortcuts import bag_of_symbols_accuracy

T = 16


TASKS = [Task(name=name) for name in TaskName]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize(("multiples", "most"), [((1.0, 1.5), 0.60), ((1.5, 2.0), 0.55), ((2.0, 3.0), 0.55)])
def test_symbol_counts_and_length_tell_nothing(task: Task, multiples: tuple[float, float], most: float) -> None:
    low, high = int(multiples[0] * T) + 1, int(multiples[1] * T)
    train = sample_formulas(task, low, high, 1000, seed=7)
    test = sample_formulas(task, low, high, 1000, seed=8)
    accuracies = bag_of_symbols_accuracy(train, test)
    assert set(accuracies) == {"linear", "mlp"}
    assert max(accuracies.values()) <= most


def test_the_bag_of_symbols_reader_can_read() -> None:
    """Two formulas of one pair, marked by a symbol that only one of them has: the control of the test above."""
    formulas = sample_formulas(TASKS[0], 12, 16, 600, seed=12)
    marked = formulas.ids.copy()
    marked[0::2, 0] = IDS["|"]
    given_away = replace(formulas, ids=marked)
    assert min(bag_of_symbols_accuracy(given_away, given_away).values()) > 0.95
