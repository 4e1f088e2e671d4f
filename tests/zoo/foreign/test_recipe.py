"""Which foreign subjects are planned."""

from collections import Counter
from dataclasses import replace

from probe_sandwich.zoo.foreign.config import Family, PositionSource
from probe_sandwich.zoo.foreign.recipe import COURSES, manifest


def test_a_third_of_every_task_is_pytorchs_own_encoder_and_the_rest_five_families() -> None:
    plans = manifest()
    assert len({one.number for one in plans}) == len({one.seed for one in plans}) == len(plans)
    for course in COURSES:
        counts = Counter(one.config.family for one in plans if one.config.task == course.task)
        for family in Family:
            assert abs(counts[family] - course.plans / (3 if family is Family.PLAIN else 7.5)) <= 1.5
    assert {one.training.max_offset > 0 for one in plans if one.config.table is PositionSource.LEARNED} == {True, False}


def test_plans_do_not_depend_on_how_many_there_are() -> None:
    few = manifest([replace(course, plans=10) for course in COURSES])
    assert {one.number: one for one in manifest()}.items() >= {one.number: one for one in few}.items()
