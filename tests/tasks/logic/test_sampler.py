"""Minimal pairs of formulas."""

import numpy as np
import pytest
from probe_sandwich.tasks.logic.sampler import OTHER_STYLES, STYLES, Style, sample_pairs
from probe_sandwich.tasks.logic.solver import reference_satisfiable
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import decode


@pytest.mark.parametrize("styles", [STYLES, OTHER_STYLES], ids=["usual", "other"])
@pytest.mark.parametrize("name", list(TaskName))
def test_of_a_pair_one_formula_is_satisfiable_and_one_exchange_makes_it_the_other(
    name: TaskName, styles: dict[TaskName, Style]
) -> None:
    pairs = sample_pairs(Task(name=name), 15, 8, np.random.default_rng(1), styles[name])
    assert len(pairs.positive)
    assert (np.sort(pairs.positive, axis=1) == np.sort(pairs.negative, axis=1)).all()
    for positive, negative in zip(pairs.positive[:20], pairs.negative[:20], strict=True):
        assert reference_satisfiable(decode(positive.tolist()))
        assert not reference_satisfiable(decode(negative.tolist()))


def test_a_skeleton_gives_at_most_as_many_pairs_as_are_asked_for() -> None:
    task, style = Task(), STYLES[TaskName.CONJUNCTION]
    assert style.skeletons == 1
    assert len(sample_pairs(task, 12, 3, np.random.default_rng(0), style).positive) == 3


def test_a_length_without_skeletons_has_no_pairs() -> None:
    pairs = sample_pairs(Task(), 3, 8, np.random.default_rng(0), STYLES[TaskName.CONJUNCTION])
    assert pairs.positive.shape == (0, 3)
