"""Answers come down to the same numbers whichever class is which, however many, and whatever the head's scale."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS, CHANNELS
from probe_sandwich.sandwich.answers import answer_channels as channels_with_lengths
from torch import Tensor

AGREEMENT, CHANGE, DRIFT = (ANSWER_CHANNELS.index(name) for name in ("agreement", "change", "drift"))


def answer_channels(logits: Tensor) -> Tensor:
    """Channels of probes that are all of T symbols."""
    return channels_with_lengths(logits, torch.ones_like(logits[0, :, 0, :, 0]))


def some_logits(classes: int, seed: int = 0) -> Tensor:
    """Logits of 3 subjects, 2 draws, 4 placements and 6 probes."""
    return torch.randn(3, 2, 4, 6, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(deadline=None)
@given(classes=st.integers(2, 9), seed=st.integers(0, 1000), order=st.randoms())
def test_the_order_of_the_classes_changes_nothing(classes: int, seed: int, order: random.Random) -> None:
    logits = some_logits(classes, seed)
    permuted = logits[..., order.sample(range(classes), classes)]
    torch.testing.assert_close(answer_channels(permuted), answer_channels(logits))


@settings(deadline=None)
@given(exponent=st.floats(-3, 3), shift=st.floats(-5, 5))
def test_a_positive_factor_and_a_shift_of_all_logits_change_nothing(exponent: float, shift: float) -> None:
    logits = some_logits(3)
    torch.testing.assert_close(answer_channels(logits * 10**exponent + shift), answer_channels(logits))


def test_a_subject_that_answers_alike_everywhere_agrees_with_itself_and_drifts_nowhere() -> None:
    logits = some_logits(2)
    channels = answer_channels(logits[:, :, :1].expand_as(logits))
    torch.testing.assert_close(channels[:, :, 1:], channels[:, :, :1].expand_as(channels[:, :, 1:]))
    assert channels[..., CHANGE].max() == channels[..., DRIFT].max() == 0


def test_the_opposite_answer_is_the_least_agreement() -> None:
    sure = torch.tensor([9.0, -9.0]).expand(1, 1, 1, 5, 2)
    channels = answer_channels(torch.cat([sure, -sure], dim=2))
    assert channels[0, 0, 1, :, AGREEMENT].max() < -0.9
    assert channels[0, 0, 1, :, CHANGE].min() > 0.9


def test_a_subject_that_sees_no_difference_has_finite_answers() -> None:
    assert answer_channels(torch.zeros(1, 1, 2, 3, 4)).isfinite().all()


@pytest.mark.parametrize("classes", [2, 5])
def test_channels_do_not_depend_on_the_other_subjects(classes: int) -> None:
    logits = some_logits(classes)
    alone = torch.cat([answer_channels(logits[row : row + 1]) for row in range(len(logits))])
    torch.testing.assert_close(alone, answer_channels(logits))


def test_the_length_of_a_probe_stands_beside_every_answer_to_it() -> None:
    lengths = torch.rand(2, 6, dtype=torch.float64)
    beside = channels_with_lengths(some_logits(2), lengths)[..., CHANNELS.index("length")]
    assert torch.equal(beside, lengths[None, :, None].expand(3, 2, 4, 6))


@pytest.mark.parametrize("never", [-200.0, -1e9, -1e30])
@pytest.mark.parametrize("more", [1, 50])
def test_classes_that_are_never_answered_change_nothing(never: float, more: int) -> None:
    logits = some_logits(2).float()
    unused = torch.full((*logits.shape[:-1], more), never)
    torch.testing.assert_close(
        answer_channels(torch.cat([logits, unused], dim=-1)), answer_channels(logits), atol=1e-5, rtol=1e-5
    )
