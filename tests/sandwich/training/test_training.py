"""The founding question: does gradient descent still work when only the layers around a frozen model may change?"""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.sandwich import Sandwich, draw_noise, frozen_hash
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.losses import sandwich_losses, seen_loss
from probe_sandwich.sandwich.training.recorded import record_for_training
from probe_sandwich.sandwich.training.training import sandwich_optimizer, train_sandwich
from probe_sandwich.subjects.transformer import SubjectStack
from probe_sandwich.zoo.cohorts import Cohort
from torch import Tensor

from tests.conftest import StackFactory

SMALL = SandwichConfig(
    probe_length=12, probes=8, generator_hidden=32, probe_features=8, readout_hidden=8, dropout=0.0, heads=2
)
SOFT = SMALL.model_copy(update={"hard_symbols": False})
QUICK = SandwichTraining(epochs=2, readout_epochs=2, fitting_draws=1, warm_up_steps=20, subjects_per_step=8)


@pytest.fixture
def cohort(tiny_stack: StackFactory) -> Cohort:
    """Four untrained subjects, double precision, arbitrary labels."""
    subjects = tiny_stack(*({"scheme": s} for s in ("none", "learned", "rotary", "alibi")), dtype=torch.float64)
    return Cohort(
        subjects,
        torch.tensor([1.0, 0.0, 1.0, 0.0]).double(),
        torch.tensor([0.95, 0.7, 0.92, 0.6]).double(),
        torch.arange(4),
        torch.arange(4),
    )


def train(training: SandwichTraining, cohort: Cohort) -> Sandwich:
    """A small sandwich trained on a cohort."""
    recording = record_for_training(SMALL, training, [cohort])
    blind = BlindHeads.assign(cohort.groups, SMALL.heads, seed=0)
    return train_sandwich(SMALL, training, [cohort], recording, blind, seed=0)


@pytest.fixture
def sandwich() -> Sandwich:
    torch.manual_seed(0)
    return Sandwich(SOFT).double()


@pytest.fixture
def noise() -> Tensor:
    return draw_noise(SOFT, 1, torch.Generator().manual_seed(1)).double()


def test_training_leaves_every_byte_of_the_subjects_alone(shipped_cohort: Cohort) -> None:
    before = frozen_hash(shipped_cohort.subjects)
    train(QUICK, shipped_cohort)
    assert frozen_hash(shipped_cohort.subjects) == before


def test_no_gradient_reaches_a_subjects_parameters(sandwich: Sandwich, cohort: Cohort, noise: Tensor) -> None:
    sandwich_losses(sandwich, QUICK, cohort, noise).sum().backward()
    assert all(not weight.requires_grad and weight.grad is None for weight in cohort.subjects.weights.values())
    held = {
        id(parameter) for group in sandwich_optimizer(sandwich, QUICK).param_groups for parameter in group["params"]
    }
    assert held == {id(parameter) for parameter in sandwich.parameters()}


def test_the_generators_gradient_through_the_frozen_subject_is_the_true_one(
    sandwich: Sandwich, cohort: Cohort, noise: Tensor
) -> None:
    sandwich_losses(sandwich, QUICK, cohort, noise).sum().backward()
    step = 1e-6
    for parameter in sandwich.generator.parameters():
        assert parameter.grad is not None
        steepest = int(parameter.grad.abs().argmax())
        slope = float(parameter.grad.flatten()[steepest])
        assert abs(slope) > 1e-9
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.view(-1)[steepest] += sign * step
                values.append(float(sandwich_losses(sandwich, QUICK, cohort, noise).sum()))
                parameter.view(-1)[steepest] -= sign * step
        assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


def masked_step(parameters: dict[str, Tensor], update_set: set[str], optimizer: torch.optim.Optimizer) -> None:
    """One step over all parameters, gradient and weight decay multiplied by the indicator of the update set."""
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        assert parameter.grad is not None
        parameter.grad *= float(name in update_set)
    optimizer.step()
    with torch.no_grad():
        for name, parameter in parameters.items():
            # A zero gradient leaves the decoupled decay, which the indicator masks as well.
            mask = float(name in update_set)
            parameter.copy_(mask * parameter + (1 - mask) * before[name])


@pytest.mark.parametrize(
    "make",
    [
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
    ],
    ids=["SGD", "AdamW"],
)
def test_masking_the_gradient_is_handing_the_optimizer_only_the_sandwich(
    sandwich: Sandwich,
    cohort: Cohort,
    noise: Tensor,
    make: Callable[[list[Tensor]], torch.optim.Optimizer],
) -> None:
    masked, handed = copy.deepcopy(sandwich), copy.deepcopy(sandwich)
    weights = {name: weight.clone().requires_grad_(True) for name, weight in cohort.subjects.weights.items()}
    open_subjects = SubjectStack.of(cohort.subjects.configs, weights)
    open_cohort = replace(cohort, subjects=open_subjects)
    own = dict(masked.named_parameters())
    everything = own | {f"subject.{name}": weight for name, weight in weights.items()}
    masked_optimizer, handed_optimizer = make(list(everything.values())), make(list(handed.parameters()))
    for _ in range(5):
        masked_optimizer.zero_grad()
        sandwich_losses(masked, QUICK, open_cohort, noise).sum().backward()
        # The position table of the learned scheme reaches no loss of the others' rows, but has a gradient.
        masked_step(everything, set(own), masked_optimizer)
        handed_optimizer.zero_grad()
        sandwich_losses(handed, QUICK, cohort, noise).sum().backward()
        handed_optimizer.step()
        for one, other in zip(masked.parameters(), handed.parameters(), strict=True):
            assert torch.equal(one, other)
    for name, weight in weights.items():
        assert torch.equal(weight, cohort.subjects.weights[name])


def test_training_lowers_the_loss_far_below_that_of_severed_responses(shipped_cohort: Cohort) -> None:
    training = SandwichTraining(
        readout_epochs=60,
        epochs=3,
        patience=60,
        warm_up_steps=200,
        subjects_per_step=12,
        long_accuracy_weight=0.0,
        readout_rate=5e-3,
    )
    # Severed: every subject answers like the first, so that responses tell nothing of the label.
    first = shipped_cohort.subjects.select([0] * len(shipped_cohort.subjects))
    severed = replace(shipped_cohort, subjects=first)
    noise = draw_noise(SMALL, 4, torch.Generator().manual_seed(5))
    losses = []
    for cohort in (shipped_cohort, severed):
        trained = train(training, cohort)
        with torch.no_grad():
            found = sandwich_losses(trained, training, cohort, noise)
        losses.append(
            float(seen_loss(found, BlindHeads.assign(cohort.groups, SMALL.heads, 0).of(cohort.groups)).mean())
        )
    assert losses[0] < 0.4
    assert losses[1] > 0.65
