"""The founding question: does gradient descent still work when only the layers around a frozen model may change?"""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.inputs import candidates_of
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.losses import sandwich_losses, seen_loss
from probe_sandwich.sandwich.training.recorded import fitting_noise, record_answers
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.sandwich.training.training import sandwich_optimizer, train_sandwich
from probe_sandwich.sandwich.universal import UniversalSandwich
from probe_sandwich.subjects.transformer import SubjectStack
from probe_sandwich.zoo.cohorts import Cohort
from torch import Tensor

from tests.conftest import StackFactory, frozen_hash

SMALL = SandwichConfig(
    probes=8,
    noise_dim=16,
    generator_hidden=16,
    temperature=0.1,
    readout_hidden=8,
    dropout=0.0,
    heads=2,
)
QUICK = SandwichTraining(epochs=2, readout_epochs=2, fitting_draws=1, subjects_per_step=8)


@pytest.fixture
def cohort(tiny_stack: StackFactory) -> Cohort:
    """Four untrained subjects, arbitrary labels."""
    subjects = tiny_stack(*({"scheme": s} for s in ("none", "learned", "rotary", "alibi")))
    return Cohort(
        subjects,
        torch.tensor([1.0, 0.0, 1.0, 0.0]),
        torch.tensor([0.95, 0.7, 0.92, 0.6]),
        torch.arange(4),
        torch.arange(4),
    )


def train(training: SandwichTraining, cohort: Cohort, config: SandwichConfig = SMALL) -> UniversalSandwich:
    """A small sandwich trained on a cohort."""
    recording = record_answers(start_universal(config, training).prober, [cohort], fitting_noise(config, training))
    blind = BlindHeads.assign(cohort.groups, cohort.groups, config.heads, seed=0)
    return train_sandwich(config, training, [cohort], recording, blind, seed=0)


@pytest.fixture
def sandwich() -> UniversalSandwich:
    """One whose selector prefers something, so that gradients reach all of its layers."""
    torch.manual_seed(0)
    sandwich = UniversalSandwich(SMALL)
    torch.nn.init.normal_(sandwich.prober.selector.layers[-1].weight, std=0.1)
    return sandwich


@pytest.fixture
def noise() -> Tensor:
    return draw_noise(SMALL, 1, torch.Generator().manual_seed(1))


def test_training_leaves_every_byte_of_the_subjects_alone(shipped_cohort: Cohort) -> None:
    before = frozen_hash(shipped_cohort.subjects)
    train(QUICK, shipped_cohort)
    assert frozen_hash(shipped_cohort.subjects) == before


def test_no_gradient_reaches_a_subjects_parameters(sandwich: UniversalSandwich, cohort: Cohort, noise: Tensor) -> None:
    sandwich_losses(sandwich, QUICK, cohort, noise).sum().backward()
    assert all(not weight.requires_grad and weight.grad is None for weight in cohort.subjects.weights.values())
    held = {
        id(parameter) for group in sandwich_optimizer(sandwich, QUICK).param_groups for parameter in group["params"]
    }
    assert held == {id(parameter) for parameter in sandwich.parameters()}


def test_the_gradient_that_reaches_a_probe_through_the_frozen_subject_is_the_true_one(
    sandwich: UniversalSandwich, cohort: Cohort, noise: Tensor
) -> None:
    """What the selector's layers make of it is a soft choice's gradient, straight-through (`test_selector`)."""
    exact, draws = sandwich.double(), noise.double()
    subjects = doubled(cohort.subjects)
    candidates = candidates_of(subjects.configs[0].task, subjects.configs[0].train_max_length)
    symbols = candidates.symbols.double().requires_grad_(True)
    features = candidates.features.double()

    def output() -> Tensor:
        asked = replace(candidates, symbols=symbols, features=features)
        return exact(subjects, draws, candidates=asked).label.sum()

    output().backward()
    assert symbols.grad is not None
    step = 1e-6
    for place in symbols.grad.abs().flatten().topk(5).indices.tolist():
        slope = float(symbols.grad.flatten()[place])
        assert abs(slope) > 1e-9
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                symbols.view(-1)[place] += sign * step
                values.append(float(output()))
                symbols.view(-1)[place] -= sign * step
        assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


def doubled(subjects: SubjectStack) -> SubjectStack:
    """The same in double precision."""
    return SubjectStack.of(subjects.configs, {name: weight.double() for name, weight in subjects.weights.items()})


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
    sandwich: UniversalSandwich,
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
        epochs=1,
        patience=60,
        subjects_per_step=12,
        long_accuracy_weight=0.0,
        readout_rate=5e-3,
    )
    # Severed: every subject answers like the first, so that responses tell nothing of the label.
    first = shipped_cohort.subjects.select([0] * len(shipped_cohort.subjects))
    severed = replace(shipped_cohort, subjects=first)
    config = SMALL.model_copy(update={"probes": 32})
    noise = draw_noise(config, 4, torch.Generator().manual_seed(5))
    losses = []
    for cohort in (shipped_cohort, severed):
        trained = train(training, cohort, config)
        with torch.no_grad():
            found = sandwich_losses(trained, training, cohort, noise)
        blind = BlindHeads.assign(cohort.groups, cohort.groups, config.heads, 0).of(cohort.groups)
        losses.append(float(seen_loss(found, blind).mean()))
    assert losses[0] < 0.4
    assert losses[1] > 0.55  # the share of either label can be learned without any response
