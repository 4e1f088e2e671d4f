"""Building a zoo: labels of what is stored, nothing done twice."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import run_length_test
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.transformer import join
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.build import OtherRecipe, build, build_stack, check_recipe, stacks
from probe_sandwich.zoo.recipe import RECIPES, Group, Recipe, manifest
from probe_sandwich.zoo.shards import (
    merge,
    read_index,
    read_weights,
    shard_path,
    shard_rows,
)

from tests.conftest import TINY_DEFINITION, TINY_RECIPE, in_process


def test_stacks_hold_groups_of_one_shape_each_group_once() -> None:
    groups = manifest(Recipe(groups=60))
    cut = stacks(groups, 4)
    assert sorted(group.index for stack in cut for group in stack) == list(range(60))
    assert all(len({group.config.shape for group in stack}) == 1 and len(stack) <= 4 for stack in cut)
    assert min(len(cut), 59) < 60


def test_stacked_groups_become_the_same_subjects(tiny_zoo: Path, tmp_path: Path) -> None:
    alike = max(stacks(manifest(TINY_RECIPE.model_copy(update={"groups": 40})), 3), key=len)
    assert len(alike) > 1
    shards = build_stack(alike, TINY_DEFINITION, "cpu")
    assert [shard.group for shard in shards] == [group.index for group in alike]
    for shard in shards:
        write_atomically(shard_path(tmp_path, shard.group), shard.content)
    build(tmp_path / "alone", alike, in_process, TINY_DEFINITION)
    together, alone = merge(tmp_path, []), read_index(tmp_path / "alone")
    for one, other in zip(read_weights(tmp_path, together), read_weights(tmp_path / "alone", alone), strict=True):
        for name, weight in one.items():
            # What is rounded otherwise on the way may be stored as the next of 127 levels.
            level = float(weight.abs().max()) / 127
            torch.testing.assert_close(weight, other[name], atol=1.1 * level, rtol=1e-2)


def test_labels_are_those_of_the_stored_weights(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)[:2]
    stack = join(list(zip([row.config for row in rows], read_weights(tiny_zoo, rows), strict=True)))
    assert [result.buckets for result in run_length_test(stack, TINY_DEFINITION)] == [row.buckets for row in rows]


def test_other_seeds_of_a_configuration_are_other_subjects(tiny_zoo: Path) -> None:
    rows = read_index(tiny_zoo)
    assert len({row.subject for row in rows}) == len(rows)


def test_the_same_seeds_give_the_same_subjects(tiny_zoo: Path, tiny_groups: list[Group], tmp_path: Path) -> None:
    build(tmp_path, tiny_groups[:1], in_process, TINY_DEFINITION)
    before = [row.subject for row in read_index(tiny_zoo) if row.group == 0]
    assert [row.subject for row in shard_rows(tmp_path)] == before


def test_a_finished_build_trains_nothing_again(tiny_zoo: Path, tiny_groups: list[Group]) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in (tiny_zoo / "shards").iterdir()}
    build(tiny_zoo, tiny_groups, in_process, TINY_DEFINITION)
    assert {path: path.stat().st_mtime_ns for path in (tiny_zoo / "shards").iterdir()} == stamps


def test_a_folder_of_another_recipe_is_refused(tiny_zoo: Path) -> None:
    with pytest.raises(OtherRecipe, match="empty folder"):
        build(tiny_zoo, manifest(TINY_RECIPE.model_copy(update={"steps": 9})), in_process)


def test_a_processor_that_rounds_otherwise_goes_on_with_the_same_zoo(tiny_zoo: Path, tiny_groups: list[Group]) -> None:
    def rounded_otherwise(group: Group) -> Group:
        rate = math.nextafter(group.training.learning_rate, 1.0)
        return replace(group, training=group.training.model_copy(update={"learning_rate": rate}))

    check_recipe(tiny_zoo, [rounded_otherwise(group) for group in tiny_groups])


def test_the_shipped_zoo_is_of_the_shipped_recipe() -> None:
    check_recipe(SHIPPED_MODELS / "zoo-conjunction", manifest(RECIPES[TaskName.CONJUNCTION]))
