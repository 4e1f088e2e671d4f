"""Subjects unlike those of the zoos."""

from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.recipe import RECIPES, manifest
from probe_sandwich.zoo.strangers import stranger_groups


def test_strangers_are_of_another_task_or_of_a_size_that_the_zoo_has_not() -> None:
    widths = {group.config.d_model for group in manifest(RECIPES[TaskName.CONJUNCTION])}
    cnf = [group.config.task.name is TaskName.CNF for group in stranger_groups()]
    assert set(cnf) == {True, False}
    for group, other_task in zip(stranger_groups(), cnf, strict=True):
        assert other_task != (group.config.d_model not in widths)
