"""Selector, subjects of any task and readout together."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import bare_candidates, candidates_of_built_in
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.universal import UniversalSandwich
from probe_sandwich.subjects.transformer import SubjectStack
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.task import OwnTask

from tests.conftest import StackFactory, frozen_hash

CONFIG = SandwichConfig(noise_dim=16, probes=8)
MAJORITY = {"task": LanguageTask(name=LanguageName.MAJORITY), "vocabulary": ("a", "b", "c", "<bos>", "<pad>")}
OWN = {"task": OwnTask(name="mine", alphabet=("x", "y")), "vocabulary": ("<pad>", "y", "x", "<bos>"), "classes": 4}
KINDS = pytest.mark.parametrize("kind", [{}, MAJORITY, OWN], ids=["logic", "language", "own"])
NOISE = draw_noise(CONFIG, 2, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def sandwich() -> UniversalSandwich:
    torch.manual_seed(0)
    return UniversalSandwich(CONFIG).eval()


def changed(stack: SubjectStack, **weights: torch.Tensor) -> SubjectStack:
    """The same subjects with some other weights."""
    return SubjectStack.of(stack.configs, {**stack.weights, **weights})


@KINDS
def test_subjects_of_any_task_alphabet_and_number_of_classes_are_asked(
    kind: dict[str, object], sandwich: UniversalSandwich, tiny_stack: StackFactory
) -> None:
    stack = tiny_stack(kind | {"scheme": "alibi"}, kind | {"scheme": "learned"}, kind | {"pooling": "mean"})
    before = frozen_hash(stack)
    together = sandwich(stack, NOISE).label
    alone = torch.cat([sandwich(stack.select([row]), NOISE).label for row in range(len(stack))], dim=1)
    assert together.isfinite().all()
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert frozen_hash(stack) == before


@KINDS
@settings(max_examples=5, deadline=None)
@given(exponent=st.floats(-3, 3))
def test_neither_the_scale_of_the_head_nor_the_order_of_its_classes_changes_an_output(
    kind: dict[str, object], sandwich: UniversalSandwich, tiny_stack: StackFactory, exponent: float
) -> None:
    stack = tiny_stack(kind)
    plain = sandwich(stack, NOISE).label
    weight, bias = stack.weights["head.weight"], stack.weights["head.bias"]
    other = {"head.weight": weight.flip(-1) * 10**exponent, "head.bias": bias.flip(-1) * 10**exponent}
    torch.testing.assert_close(sandwich(changed(stack, **other), NOISE).label, plain, atol=1e-3, rtol=1e-3)


def test_the_order_of_the_vocabulary_changes_nothing(sandwich: UniversalSandwich, tiny_stack: StackFactory) -> None:
    stack = tiny_stack(MAJORITY)
    turned = tiny_stack(MAJORITY | {"vocabulary": MAJORITY["vocabulary"][::-1]})  # type: ignore[index]
    same = changed(turned, **{**stack.weights, "embedding": stack.weights["embedding"].flip(1)})
    torch.testing.assert_close(sandwich(same, NOISE).label, sandwich(stack, NOISE).label)


def test_probes_can_be_made_of_other_candidates(sandwich: UniversalSandwich, tiny_stack: StackFactory) -> None:
    stack = tiny_stack(MAJORITY)
    bare = bare_candidates(stack.configs[0].task, 12)
    assert not torch.allclose(sandwich(stack, NOISE, candidates=bare).label, sandwich(stack, NOISE).label)


def test_candidates_drawn_for_a_diagnosis_can_be_trained_with(
    sandwich: UniversalSandwich, tiny_stack: StackFactory
) -> None:
    candidates_of_built_in.cache_clear()
    with torch.inference_mode():
        sandwich(tiny_stack({}), NOISE)
    sandwich(tiny_stack({}), NOISE).label.sum().backward()
    assert sandwich.prober.selector.layers[-1].weight.grad is not None
