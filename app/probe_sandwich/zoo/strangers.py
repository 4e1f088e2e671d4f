"""Subjects unlike those of the zoos, trained on purpose."""

from dataclasses import replace

from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.recipe import RECIPES, Group, manifest

_SEEDS, _FIRST_INDEX = 3, 900


def stranger_groups() -> list[Group]:
    """Configurations to train: conjunctive normal forms instead of conjunctions, and Transformers of twice the width
    and depth."""
    cnf = manifest(RECIPES[TaskName.CNF].model_copy(update={"groups": 4}))
    usual = manifest(RECIPES[TaskName.CONJUNCTION].model_copy(update={"groups": 4}))
    large = [_twice(group) for group in (usual[0], usual[3])]
    return [_few_seeds(group, _FIRST_INDEX + number) for number, group in enumerate([cnf[0], cnf[3], *large])]


def _few_seeds(group: Group, index: int) -> Group:
    return replace(group, index=index, seeds=tuple(index * 1000 + number for number in range(_SEEDS)), reserve=False)


def _twice(group: Group) -> Group:
    sizes = {name: 2 * getattr(group.config, name) for name in ("d_model", "layers", "heads", "d_ff")}
    # Deeper ones need a lower rate to converge.
    training = group.training.model_copy(update={"learning_rate": group.training.learning_rate / 3})
    return replace(group, config=group.config.model_copy(update=sizes), training=training)
