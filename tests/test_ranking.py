"""Which of several subjects to choose: order, ties, and who gets no rank."""

from pathlib import Path

import pytest
from probe_sandwich.answer import Doubt
from probe_sandwich.ranking import Ranked, rank, step_of

from tests.diagnoses import diagnosis_of


def ranks(found: list[Ranked]) -> list[tuple[int, int, int]]:
    """Place among the given, best and last rank, in the order of the ranking."""
    return [(one.index, one.rank, one.last_rank) for one in found]


def test_what_every_member_puts_ahead_stands_ahead() -> None:
    found = rank([diagnosis_of(0.1, 0.3), diagnosis_of(0.8, 0.9), diagnosis_of(0.4, 0.5)])
    assert ranks(found) == [(1, 1, 1), (2, 2, 2), (0, 3, 3)]


def test_two_that_the_members_order_differently_are_tied_however_far_apart_they_lie() -> None:
    found = rank([diagnosis_of(0.1, 0.2), diagnosis_of(0.05, 0.9), diagnosis_of(0.01, 0.02)])
    assert ranks(found) == [(1, 1, 2), (0, 1, 2), (2, 3, 3)]


def test_one_between_two_may_be_tied_with_both_though_they_are_not_with_each_other() -> None:
    found = rank([diagnosis_of(0.6, 0.7), diagnosis_of(0.3, 0.8), diagnosis_of(0.2, 0.5)])
    assert ranks(found) == [(0, 1, 2), (1, 1, 2), (2, 3, 3)]
    found = rank([diagnosis_of(0.6, 0.7), diagnosis_of(0.3, 0.8), diagnosis_of(0.4, 0.5)])
    assert ranks(found) == [(0, 1, 2), (1, 1, 3), (2, 2, 3)]


def test_the_same_checkpoint_twice_is_a_tie() -> None:
    assert ranks(rank([diagnosis_of(0.5, 0.6), diagnosis_of(0.5, 0.6)])) == [(0, 1, 2), (1, 1, 2)]


@pytest.mark.parametrize("doubt", [Doubt.UNTRUSTED_KIND, Doubt.MEMBERS_DISAGREE])
def test_a_withheld_number_that_orders_subjects_ranks_and_is_marked(doubt: Doubt) -> None:
    found = rank([diagnosis_of(0.1, 0.2), diagnosis_of(0.6, 0.7, doubt=doubt)])
    assert [(one.index, one.rank, one.withheld) for one in found] == [(1, 1, True), (0, 2, False)]
    assert found[0].probability == pytest.approx(0.65)


@pytest.mark.parametrize("doubt", [Doubt.NOT_CONVERGED, Doubt.UNLIKE_THE_ZOO])
def test_a_number_that_says_nothing_of_its_subject_gets_no_rank(doubt: Doubt) -> None:
    assert ranks(rank([diagnosis_of(0.9, 0.9, doubt=doubt), None, diagnosis_of(0.1, 0.2)])) == [(2, 1, 1)]


def test_each_task_and_t_has_a_ranking_of_its_own() -> None:
    """Since the members ask subjects of another task or T otherwise."""
    short, other = {"train_max_length": 8}, {"task": "parity"}
    found = rank([diagnosis_of(0.5), diagnosis_of(0.9, **short), diagnosis_of(0.7), diagnosis_of(0.1, **other)])
    assert ranks(found) == [(2, 1, 1), (0, 2, 2), (1, 1, 1), (3, 1, 1)]
    assert [(one.task, one.train_max_length) for one in found[1:]] == [
        ("conjunction", 12),
        ("conjunction", 8),
        ("parity", 12),
    ]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step-1200.safetensors", 1200),
        ("run3_step_000500_seed7.safetensors", 500),
        ("epoch=3-step=1200.safetensors", 1200),
        ("checkpoint-500", 500),
        ("seed3-40000.safetensors", 40000),
        ("final.safetensors", None),
    ],
)
def test_a_snapshots_step_is_the_number_after_step_or_checkpoint_else_the_last(name: str, step: int | None) -> None:
    assert step_of(Path(name)) == step
