"""The direct length test: its buckets, its intervals, its decision."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.answer import BucketResult, Definition
from probe_sandwich.length_test import buckets, judge, run_length_test, wilson_interval
from probe_sandwich.tasks.datasets import NoFormulas

from tests.conftest import StackFactory


def test_buckets_are_multiples_of_the_training_length() -> None:
    assert [(b.min_length, b.max_length) for b in buckets(16)] == [(1, 16), (17, 24), (25, 32), (33, 48), (49, 64)]


@given(st.integers(4, 256))
def test_buckets_join_without_gap(train_max_length: int) -> None:
    edges = buckets(train_max_length)
    assert all(left.max_length + 1 == right.min_length for left, right in pairwise(edges))
    assert (edges[0].min_length, edges[-1].max_length) == (1, 4 * train_max_length)


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    # Newcombe 1998, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_wilson_intervals_are_the_published_ones(correct: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=1e-4)


def result(*accuracies: float | None) -> list[BucketResult]:
    """Bucket results of a thousand formulas each."""
    return [
        BucketResult(
            min_length=bucket.min_length,
            max_length=bucket.max_length,
            relative=bucket.relative,
            formulas=0 if accuracy is None else 1000,
            correct=0 if accuracy is None else round(accuracy * 1000),
            accuracy=accuracy,
            accuracy_low=accuracy,
            accuracy_high=accuracy,
        )
        for bucket, accuracy in zip(buckets(16), accuracies, strict=True)
    ]


@pytest.mark.parametrize(
    ("accuracies", "generalizer", "reach"),
    [
        ((1.0, 0.95, 0.85, 0.7, 0.6), True, 1.5),
        ((1.0, 0.95, 0.84, 0.7, 0.6), False, 1.5),
        ((0.94, 0.99, 0.99, 0.99, 0.99), False, 4.0),
        ((1.0, 0.99, 0.98, 0.95, 0.92), True, 4.0),
        ((1.0, 0.89, 0.99, 0.99, 0.99), True, 1.0),
        ((1.0, 0.99, None, None, None), False, 1.5),
        ((0.5, 0.5, 0.5, 0.5, 0.5), False, 0.0),
    ],
)
def test_the_decision_follows_the_definition(
    accuracies: tuple[float | None, ...], generalizer: bool, reach: float
) -> None:
    judged = judge(result(*accuracies), Definition())
    assert (judged.generalizer, judged.reach) == (generalizer, reach)


def test_certain_means_the_interval_lies_clear_of_the_cut() -> None:
    assert judge(result(1.0, 0.99, 0.99, 0.9, 0.9), Definition()).certain
    assert not judge(result(1.0, 0.90, 0.90, 0.9, 0.9), Definition()).certain


def test_a_table_that_ends_early_says_so(tiny_stack: StackFactory) -> None:
    (tested,) = run_length_test(
        tiny_stack({"scheme": "learned", "max_positions": 20}), Definition(formulas_per_bucket=20)
    )
    assert [bucket.unreachable is None for bucket in tested.buckets] == [True, True, False, False, False]
    assert tested.buckets[2].unreachable == "the position table ends at 19 symbols"
    assert tested.long_accuracy is None


@pytest.mark.parametrize("train_max_length", [4, 5, 6])
def test_a_training_length_without_formulas_is_told(tiny_stack: StackFactory, train_max_length: int) -> None:
    with pytest.raises(NoFormulas, match=f"1 to {train_max_length} symbols"):
        run_length_test(tiny_stack({"train_max_length": train_max_length}), Definition(formulas_per_bucket=10))


def test_the_test_is_the_same_each_time_and_in_any_stack(tiny_stack: StackFactory) -> None:
    stack = tiny_stack({"scheme": "none"}, {"scheme": "alibi"})
    definition = Definition(formulas_per_bucket=60)
    together = run_length_test(stack, definition)
    assert together == run_length_test(stack, definition)
    assert together[1] == run_length_test(stack.select([1]), definition)[0]


def test_the_first_bucket_says_where_its_formulas_really_begin(tiny_stack: StackFactory) -> None:
    (tested,) = run_length_test(tiny_stack({}), Definition(formulas_per_bucket=40))
    assert [(bucket.min_length, bucket.max_length) for bucket in tested.buckets[:2]] == [(7, 12), (13, 18)]
