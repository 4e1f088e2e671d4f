"""The recipe: a deterministic manifest of groups."""

from probe_sandwich.subjects.config import Scheme
from probe_sandwich.zoo.recipe import Recipe, manifest


def test_a_group_depends_on_seed_and_index_alone() -> None:
    few, many = manifest(Recipe(groups=3)), manifest(Recipe(groups=30))
    assert few == many[:3]
    assert manifest(Recipe(groups=3, seed=1)) != few


def test_schemes_take_turns_and_no_seed_is_used_twice() -> None:
    groups = manifest(Recipe(groups=50))
    assert [group.config.scheme for group in groups[:5]] == list(Scheme)
    seeds = [seed for group in groups for seed in group.seeds]
    assert len(set(seeds)) == len(seeds) == 250


def test_the_reserve_has_configurations_of_its_own_and_every_scheme() -> None:
    reserve = [group for group in manifest(Recipe(groups=80)) if group.reserve]
    assert len(reserve) == 10
    assert {group.config.scheme for group in reserve} == set(Scheme)
