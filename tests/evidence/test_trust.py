"""Intervals that hold what they claim, verdicts that are withheld, and subjects unlike any zoo."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from probe_sandwich.evidence.asking import clash_distance
from probe_sandwich.evidence.strangers import (
    OTHER_TASK,
    TWICE_THE_SIZE,
    freshly_initialized,
    kind_of,
    stranger_groups,
    with_shuffled_weights,
)
from probe_sandwich.evidence.trust import abstaining, coverage, risk_coverage, told
from probe_sandwich.sandwich.cohorts import Cohort
from probe_sandwich.sandwich.meta_classifier import LEVEL, Prediction
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.recipe import RECIPES, manifest


def prediction(members: NDArray[np.float64], unlikeness: NDArray[np.float64]) -> Prediction:
    """What an ensemble of these members says."""
    mean = members.mean(axis=0)
    nothing = np.zeros(len(mean))
    return Prediction(
        mean, mean, mean, unlikeness, members, nothing.astype(np.int64), nothing, np.ones(len(mean), dtype=bool)
    )


def test_an_interval_holds_one_more_member_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=4000) * 2 + rng.normal(size=(5, 4000)) * rng.uniform(0.1, 2, 4000)
    assert coverage(1 / (1 + np.exp(-log_odds))) == pytest.approx(LEVEL, abs=0.01)


def test_members_that_see_other_things_than_each_other_are_covered_less_often() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=(5, 4000))
    log_odds[0] += 8
    held = coverage(1 / (1 + np.exp(-log_odds)))
    assert held is not None
    assert held < LEVEL - 0.05


def test_the_surest_verdicts_come_first() -> None:
    probability = np.array([0.99, 0.02, 0.9, 0.2, 0.8, 0.3, 0.7, 0.6, 0.45, 0.55])
    labels = np.array([1, 0, 1, 0, 1, 0, 1, 1, 1, 0], dtype=bool)
    curve = risk_coverage(probability, labels, 0.5)
    assert curve[0] == {"coverage": 1.0, "accuracy": 0.8}
    assert curve[-1] == {"coverage": 0.5, "accuracy": 1.0}


def test_verdicts_are_withheld_from_strangers_and_where_members_are_of_two_minds() -> None:
    members = np.array([[0.9, 0.9, 0.9, 0.4], [0.8, 0.9, 0.2, 0.2], [0.9, 0.9, 0.3, 0.1], [0.9, 0.9, 0.9, 0.1]])
    one = prediction(members, np.array([0.5, 1.2, 0.9, np.nan]))
    assert one.unlike.tolist() == [False, True, False, True]
    assert one.split(0.5).tolist() == [False, False, True, False]
    assert told(one, 0.5).abstain == 0.75
    figures = abstaining([one], np.array([True, True, False, False]), 0.5)
    assert figures == {
        "subjects": 4,
        "withheld": 0.75,
        "accuracy": 0.75,
        "accuracy_where_told": 1.0,
        "accuracy_where_withheld": pytest.approx(2 / 3),
    }


def test_shuffled_weights_keep_their_statistics_and_nothing_else(shipped_cohort: Cohort) -> None:
    shuffled = with_shuffled_weights(shipped_cohort.subjects, 0)
    for name, weight in shipped_cohort.subjects.weights.items():
        assert torch.equal(weight.flatten(1).sort().values, shuffled.weights[name].flatten(1).sort().values)
    assert not torch.equal(shuffled.weights["embedding"], shipped_cohort.subjects.weights["embedding"])


def test_fresh_subjects_have_the_same_configurations(shipped_cohort: Cohort) -> None:
    fresh = freshly_initialized(shipped_cohort.subjects, 0)
    assert fresh.configs == shipped_cohort.subjects.configs
    assert fresh.weights["head.bias"].abs().max() == 0


def test_strangers_are_of_another_task_or_of_twice_the_size() -> None:
    usual = manifest(RECIPES[TaskName.CONJUNCTION])
    widths = {group.config.d_model for group in usual}
    kinds = {kind_of(group.config) for group in stranger_groups()}
    assert kinds == {OTHER_TASK, TWICE_THE_SIZE}
    for group in stranger_groups():
        assert (group.config.task.name is TaskName.CNF) != (group.config.d_model not in widths)


@pytest.mark.parametrize(
    ("text", "distance"),
    [("a&~a", 3), ("a&b&c&~a", 7), ("~a&b&a&c", 4), ("a&b&c", None), ("a&b&~b&~a", 3), ("(a|b)&~a", None)],
)
def test_a_contradiction_is_as_wide_as_its_variables_stand_apart(text: str, distance: int | None) -> None:
    assert clash_distance(text) == distance
