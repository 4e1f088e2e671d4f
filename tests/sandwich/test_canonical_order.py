"""The same inputs are in the same order, however they came and whatever their symbols are called."""

import random
import time
from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.sandwich.canonical_order import in_canonical_order
from probe_sandwich.sandwich.inputs import given_candidates
from probe_sandwich.tasks.task import OwnTask

Inputs = list[tuple[str, ...]]
ALPHABET = ("x1", "x2", "&", "~")
INPUTS = st.lists(st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=7).map(tuple), min_size=1, unique=True)
NAMES = {"x1": "~", "x2": "d", "&": "x1", "~": "B"}


def renamed(inputs: Sequence[tuple[str, ...]]) -> Inputs:
    return [tuple(NAMES[symbol] for symbol in one) for one in inputs]


@given(INPUTS)
def test_another_name_changes_no_place(inputs: Inputs) -> None:
    assert in_canonical_order(renamed(inputs)) == renamed(in_canonical_order(inputs))


@given(INPUTS, st.randoms(use_true_random=False))
def test_another_order_changes_a_place_only_between_inputs_of_one_pattern(
    inputs: Inputs, chance: random.Random
) -> None:
    other = chance.sample(inputs, len(inputs))
    for one, two in zip(in_canonical_order(inputs), in_canonical_order(other), strict=True):
        assert len(one) == len(two)
        assert len(set(zip(one, two, strict=True))) == len(set(one)) == len(set(two))


def test_inputs_that_only_others_tell_apart_are_told_apart_by_them() -> None:
    """Windows of a sequence of different symbols: only the first and the last one have a neighbour less."""
    sequence = [f"s{number}" for number in range(29)]
    windows = [tuple(sequence[start : start + 3]) for start in range(27)]
    for seed in range(5):
        assert in_canonical_order(random.Random(seed).sample(windows, 27)) == in_canonical_order(windows)


def test_inputs_that_can_be_told_apart_get_the_same_probes_in_any_order() -> None:
    chance = random.Random(0)
    ordered = sorted({("x1", *(chance.choice(["&", "&", "x2"]) for _ in range(5))) for _ in range(20)})
    task = OwnTask(name="mine", alphabet=ALPHABET[:3])
    one = given_candidates(task, 6, ordered)
    for _ in range(5):
        other = given_candidates(task, 6, chance.sample(ordered, len(ordered)))
        assert torch.equal(one.symbols, other.symbols)
        assert torch.equal(one.lengths, other.lengths)


def test_as_many_inputs_as_may_come_are_ordered_in_a_moment() -> None:
    chance = random.Random(1)
    many = [tuple(chance.choices([str(number) for number in range(90)], k=256)) for _ in range(4096)]
    started = time.process_time()
    in_canonical_order(many)
    assert time.process_time() - started < 5
