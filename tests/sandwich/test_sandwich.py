"""Noise, generator, subjects and readout together."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.sandwich import NoiseTooNarrow, Sandwich, draw_noise
from probe_sandwich.subjects.transformer import SubjectStack

from tests.conftest import StackFactory

CONFIG = SandwichConfig(probe_length=12, probes=8, generator_hidden=64)


def test_noise_too_narrow_for_the_warm_up_is_refused() -> None:
    with pytest.raises(NoiseTooNarrow, match="noise_dim is 8"):
        Sandwich(CONFIG.model_copy(update={"noise_dim": 8}))


def test_a_subject_without_positions_answers_alike_at_every_place(tiny_stack: StackFactory) -> None:
    sandwich = Sandwich(CONFIG).eval()
    symbols = sandwich.generator(draw_noise(CONFIG, 1, torch.Generator().manual_seed(0))[0])
    blind, seeing = sandwich.responses(tiny_stack({"scheme": "none"}, {"scheme": "rotary"}), symbols)
    torch.testing.assert_close(blind, blind[:1].expand_as(blind))
    assert not torch.allclose(seeing[3], seeing[0], atol=1e-4)


def test_logits_of_a_stack_is_that_of_its_subjects_alone(tiny_stack: StackFactory) -> None:
    sandwich = Sandwich(CONFIG).eval()
    stack = tiny_stack({"scheme": "alibi"}, {"scheme": "learned"}, {"pooling": "last"})
    noise = draw_noise(CONFIG, 2, torch.Generator().manual_seed(0))
    together = sandwich(stack, noise).label  # (heads, models, draws)
    alone = torch.cat([sandwich(stack.select([row]), noise).label for row in range(len(stack))], dim=1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def with_head_times(stack: SubjectStack, factor: float) -> SubjectStack:
    """The same subjects, whose answers are the same too: their logits times a positive factor."""
    weights = {name: weight * factor if name.startswith("head") else weight for name, weight in stack.weights.items()}
    return SubjectStack.of(stack.configs, weights)


@settings(max_examples=15, deadline=None)
@given(exponent=st.floats(-3, 3))
def test_a_factor_on_the_head_changes_no_output(tiny_stack: StackFactory, exponent: float) -> None:
    torch.manual_seed(0)
    sandwich = Sandwich(CONFIG).eval()
    stack = tiny_stack({"scheme": "alibi"}, {"scheme": "learned"}, {"pooling": "last"})
    noise = draw_noise(CONFIG, 2, torch.Generator().manual_seed(0))
    sandwich.readout.standardize_on(sandwich.answers(stack, noise))
    plain, scaled = sandwich(stack, noise), sandwich(with_head_times(stack, 10**exponent), noise)
    for name in ("label", "long_accuracy", "moments"):
        torch.testing.assert_close(getattr(scaled, name), getattr(plain, name), atol=1e-3, rtol=1e-3)


def test_a_subject_that_sees_no_difference_between_its_classes_has_finite_outputs(tiny_stack: StackFactory) -> None:
    sandwich = Sandwich(CONFIG).eval()
    output = sandwich(with_head_times(tiny_stack({}), 0.0), draw_noise(CONFIG, 2, torch.Generator().manual_seed(0)))
    for name in ("label", "long_accuracy", "moments"):
        assert getattr(output, name).isfinite().all()
