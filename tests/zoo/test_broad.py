"""The broad recipe: deterministic, balanced at every size, and open to further families."""

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from probe_sandwich.subjects.config import Pooling, Scheme
from probe_sandwich.subjects.transformer import weight_shapes
from probe_sandwich.zoo import broad
from probe_sandwich.zoo.broad import FAMILIES, GROUPS_A_FAMILY, broad_group, broad_manifest
from probe_sandwich.zoo.recipe import RECIPES, Group, manifest


def _family(group: Group) -> str:
    return list(FAMILIES)[group.index // GROUPS_A_FAMILY]


def test_a_group_depends_on_seed_and_number_alone() -> None:
    few, many = broad_manifest(30), broad_manifest(90)
    assert few == many[:30]
    assert all(group == broad_group(group.index) for group in few)
    assert broad_manifest(30, seed=1)[0].training != few[0].training


def test_a_family_that_joins_leaves_the_others_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {group.index: group for group in broad_manifest(60)}
    monkeypatch.setattr(broad, "FAMILIES", FAMILIES | {"another": next(iter(FAMILIES.values()))})
    after = {group.index: group for group in broad_manifest(60)}
    assert max(after) >= len(FAMILIES) * GROUPS_A_FAMILY
    assert all(before[index] == group for index, group in after.items() if index in before)


def test_a_part_of_the_zoo_is_balanced_over_tasks_and_schemes() -> None:
    groups = broad_manifest(60 * len(FAMILIES))[: 20 * len(FAMILIES)]
    assert Counter(map(_family, groups)) == dict.fromkeys(FAMILIES, 20)
    pairs = Counter((_family(group), group.config.scheme) for group in groups)
    assert set(pairs.values()) == {4}


def test_who_sees_only_what_came_before_is_not_read_at_its_first_symbol() -> None:
    groups = [group for group in broad_manifest(40 * len(FAMILIES)) if _family(group) == "pooled otherwise"]
    by_pooling = Counter((group.config.pooling, group.config.causal) for group in groups)
    assert by_pooling[Pooling.FIRST, True] == by_pooling[Pooling.MAX, False] == by_pooling[Pooling.MAX, True] == 0
    assert min(by_pooling[pooling, False] for pooling in (Pooling.FIRST, Pooling.MEAN)) > 0


def test_every_eighth_group_of_a_family_is_in_the_reserve_with_every_scheme() -> None:
    groups = broad_manifest(80 * len(FAMILIES))
    for name in FAMILIES:
        reserve = [group for group in groups if group.reserve and _family(group) == name]
        assert len(reserve) == 10
        assert {group.config.scheme for group in reserve} == set(Scheme)


def test_groups_are_of_many_lengths_and_sizes_with_and_without_offsets() -> None:
    groups = broad_manifest(200 * len(FAMILIES))
    for name, family in FAMILIES.items():
        own = [group for group in groups if _family(group) == name]
        assert {group.config.train_max_length for group in own} == set(family.lengths)
        assert {group.config.layers for group in own} == set(family.layers)
        for scheme in (Scheme.LEARNED, Scheme.SINUSOIDAL):
            assert len({group.training.max_offset == 0 for group in own if group.config.scheme is scheme}) == 2


def test_no_seed_is_used_twice_nor_by_the_other_recipes() -> None:
    seeds = [seed for group in broad_manifest(300) for seed in group.seeds]
    others = {seed for recipe in RECIPES.values() for group in manifest(recipe) for seed in group.seeds}
    assert len(set(seeds)) == len(seeds) == 1500
    assert others.isdisjoint(seeds)


def test_a_position_table_reaches_as_far_as_the_length_test() -> None:
    assert all(
        group.config.longest_formula in (None, 4 * group.config.train_max_length) for group in broad_manifest(60)
    )


def test_twelve_hundred_subjects_of_the_manifest_take_under_80_megabytes() -> None:
    groups = broad_manifest(100 * len(FAMILIES))
    sizes = [math.prod(shape) for group in groups for shape in weight_shapes(group.config).values()]
    rows = 6_000
    assert 1200 * (sum(sizes) / len(groups) + rows) < 80e6


def test_steps_of_one_task_are_not_taken_for_the_broad_recipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "probe_sandwich.cli", "zoo", "build", str(tmp_path), "--recipe", "broad"]
    refused = subprocess.run([*command, "--steps", "5"], check=False, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "one-task" in refused.stderr
