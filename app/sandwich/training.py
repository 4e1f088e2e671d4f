"""Training one sandwich over labelled subjects, many subjects a step, the subjects frozen."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from app.sandwich.cohorts import Cohort
from app.sandwich.config import SandwichConfig, SandwichTraining
from app.sandwich.generator import warm_up
from app.sandwich.readout import Evidence
from app.sandwich.sandwich import Sandwich, draw_noise

Progress = Callable[[str, int, float, float], None]
"""Gets the stage, the epoch, training and validation loss."""


def train_sandwich(
    config: SandwichConfig,
    training: SandwichTraining,
    train: Sequence[Cohort],
    validation: Sequence[Cohort],
    seed: int,
    progress: Progress = lambda stage, epoch, train_loss, validation_loss: None,
) -> Sandwich:
    """The sandwich of the best validation loss.

    A readout needs many epochs and a generator few, and nearly all the time goes into the frozen subjects: so the
    readout is first fitted on responses that are kept, and then both are trained through the subjects.
    """
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sandwich = Sandwich(config)
        warm_up(sandwich.generator, training.warm_up_steps, random)
        sandwich.to(train[0].subjects.device)
        best = _Best(sandwich, training.patience)
        _fit_readout(sandwich, training, train, validation, random, best, progress)
        best.restore()
        _fit_both(sandwich, training, train, validation, random, best, progress)
        best.restore()
        return sandwich.eval()


class _Best:
    """The state of the lowest validation loss so far."""

    def __init__(self, sandwich: Sandwich, patience: int) -> None:
        self.sandwich, self.patience = sandwich, patience
        self.loss, self.state, self.since = float("inf"), copy.deepcopy(sandwich.state_dict()), 0

    def exhausted(self, loss: float) -> bool:
        """Note an epoch's validation loss; whether patience is at its end."""
        self.since += 1
        if loss < self.loss:
            self.loss, self.state, self.since = loss, copy.deepcopy(self.sandwich.state_dict()), 0
        return self.since >= self.patience

    def restore(self) -> None:
        """Put the best state back."""
        self.sandwich.load_state_dict(self.state)
        self.since = 0


def sandwich_optimizer(sandwich: Sandwich, training: SandwichTraining) -> torch.optim.Optimizer:
    """AdamW over generator and readout, each at its own rate; it holds no parameter of a subject."""
    return torch.optim.AdamW(
        [
            {"params": sandwich.generator.parameters(), "lr": training.generator_rate},
            {"params": sandwich.readout.parameters(), "lr": training.joint_readout_rate},
        ],
        weight_decay=training.weight_decay,
    )


def sandwich_loss(sandwich: Sandwich, training: SandwichTraining, cohort: Cohort, noise: Tensor) -> Tensor:
    """Loss of each subject, `(models,)`: label and long accuracy, averaged over the draws."""
    return _loss(sandwich(cohort.subjects, noise), training, cohort.labels, cohort.long_accuracy)


def _loss(evidence: Evidence, training: SandwichTraining, labels: Tensor, long_accuracy: Tensor) -> Tensor:
    device = evidence.label.device
    labels = labels.to(device).unsqueeze(1).expand_as(evidence.label)
    # Chance is 0.5: what lies between it and 1 is the soft target.
    target = ((long_accuracy.to(device) - 0.5) * 2).clamp(0, 1).unsqueeze(1).expand_as(labels)
    hard = F.binary_cross_entropy_with_logits(evidence.label, labels, reduction="none")
    soft = F.binary_cross_entropy_with_logits(evidence.long_accuracy, target, reduction="none")
    weight = training.long_accuracy_weight
    return ((1 - weight) * hard + weight * soft).mean(dim=1)


def _fit_readout(
    sandwich: Sandwich,
    training: SandwichTraining,
    train: Sequence[Cohort],
    validation: Sequence[Cohort],
    random: torch.Generator,
    best: _Best,
    progress: Progress,
) -> None:
    """Fit the readout alone, each step on one of the kept draws."""
    device = train[0].subjects.device
    noise = draw_noise(sandwich.config, training.kept_draws, random).to(device)
    kept, held_out = (_responses(sandwich, cohorts, noise) for cohorts in (train, validation))
    labels, accuracy = _targets(train)
    held_out_labels, held_out_accuracy = _targets(validation)
    sandwich.readout.standardize_on(kept)
    optimizer = torch.optim.AdamW(
        sandwich.readout.parameters(), lr=training.readout_rate, weight_decay=training.weight_decay
    )
    for epoch in range(training.readout_epochs):
        sandwich.train()
        total = 0.0
        for rows in torch.randperm(len(kept), generator=random).split(training.subjects_per_step):
            draw = int(torch.randint(training.kept_draws, (1,), generator=random))
            evidence = sandwich.readout(kept[rows, draw : draw + 1], noise[draw : draw + 1])
            loss = _loss(evidence, training, labels[rows], accuracy[rows]).sum()
            optimizer.zero_grad()
            (loss / len(rows)).backward()
            optimizer.step()
            total += float(loss.detach())
        sandwich.eval()
        with torch.no_grad():
            evidence = sandwich.readout(held_out, noise)
            held_out_loss = float(_loss(evidence, training, held_out_labels, held_out_accuracy).mean())
        progress("readout", epoch, total / len(kept), held_out_loss)
        if best.exhausted(held_out_loss):
            break


def _fit_both(
    sandwich: Sandwich,
    training: SandwichTraining,
    train: Sequence[Cohort],
    validation: Sequence[Cohort],
    random: torch.Generator,
    best: _Best,
    progress: Progress,
) -> None:
    """Train generator and readout through the frozen subjects."""
    optimizer = sandwich_optimizer(sandwich, training)
    held_out_noise = draw_noise(sandwich.config, training.validation_draws, random).to(train[0].subjects.device)
    # Other noise than the readout's: what was best so far is judged on it anew.
    best.loss = evaluate_loss(sandwich, training, validation, held_out_noise)
    order = np.random.default_rng(training.seed)
    for epoch in range(training.epochs):
        train_loss = _epoch(sandwich, training, train, optimizer, random, order)
        validation_loss = evaluate_loss(sandwich, training, validation, held_out_noise)
        progress("both", epoch, train_loss, validation_loss)
        if best.exhausted(validation_loss):
            break


def _epoch(
    sandwich: Sandwich,
    training: SandwichTraining,
    cohorts: Sequence[Cohort],
    optimizer: torch.optim.Optimizer,
    random: torch.Generator,
    order: np.random.Generator,
) -> float:
    sandwich.train()
    device = cohorts[0].subjects.device
    chunks = [chunk for cohort in cohorts for chunk in cohort.chunks(order.permutation(len(cohort.subjects)).tolist())]
    order.shuffle(chunks)
    total, count, pending = 0.0, 0, 0
    subjects = sum(len(chunk.subjects) for chunk in chunks)
    for chunk in chunks:
        noise = draw_noise(sandwich.config, 1, random).to(device)
        loss = sandwich_loss(sandwich, training, chunk, noise).sum()
        (loss / training.subjects_per_step).backward()
        total += float(loss.detach())
        count += len(chunk.subjects)
        pending += len(chunk.subjects)
        if pending >= training.subjects_per_step or count == subjects:
            optimizer.step()
            optimizer.zero_grad()
            pending = 0
    return total / count


@torch.no_grad()
def evaluate_loss(sandwich: Sandwich, training: SandwichTraining, cohorts: Sequence[Cohort], noise: Tensor) -> float:
    """Mean loss over the subjects."""
    sandwich.eval()
    losses = [
        sandwich_loss(sandwich, training, chunk, noise)
        for cohort in cohorts
        for chunk in cohort.chunks(range(len(cohort.subjects)))
    ]
    return float(torch.cat(losses).mean())


@torch.no_grad()
def _responses(sandwich: Sandwich, cohorts: Sequence[Cohort], noise: Tensor) -> Tensor:
    """Responses `(models, draws, placements, probes, channels)` of all cohorts, one after the other."""
    symbols = [sandwich.generator(draw) for draw in noise]
    return torch.cat(
        [
            torch.stack([sandwich.responses(chunk.subjects, draw) for draw in symbols], dim=1)
            for cohort in cohorts
            for chunk in cohort.chunks(range(len(cohort.subjects)))
        ]
    )


def _targets(cohorts: Sequence[Cohort]) -> tuple[Tensor, Tensor]:
    """Labels and long accuracy `(models,)` of all cohorts, one after the other."""
    return torch.cat([cohort.labels for cohort in cohorts]), torch.cat([cohort.long_accuracy for cohort in cohorts])
