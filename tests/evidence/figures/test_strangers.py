"""Subjects unlike any zoo."""

import torch
from probe_sandwich.evidence.figures.strangers import (
    OTHER_TASK,
    TWICE_THE_SIZE,
    freshly_initialized,
    kind_of,
    stranger_groups,
    with_shuffled_weights,
)
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.cohorts import Cohort
from probe_sandwich.zoo.recipe import RECIPES, manifest


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
