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
from app.sandwich.sandwich import Sandwich, draw_noise


def train_sandwich(
    config: SandwichConfig,
    training: SandwichTraining,
    train: Sequence[Cohort],
    validation: Sequence[Cohort],
    seed: int,
    progress: Callable[[int, float, float], None] = lambda epoch, train_loss, validation_loss: None,
) -> Sandwich:
    """The sandwich of the best validation loss. `progress` gets epoch, training and validation loss."""
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sandwich = Sandwich(config)
        warm_up(sandwich.generator, training.warm_up_steps, random)
        return _fit(sandwich, training, train, validation, random, progress)


def _fit(
    sandwich: Sandwich,
    training: SandwichTraining,
    train: Sequence[Cohort],
    validation: Sequence[Cohort],
    random: torch.Generator,
    progress: Callable[[int, float, float], None],
) -> Sandwich:
    device = train[0].subjects.device
    sandwich.to(device)
    sandwich.readout.standardize_on(_all_responses(sandwich, train, random))
    optimizer = sandwich_optimizer(sandwich, training)
    held_out_noise = draw_noise(sandwich.config, training.validation_draws, random).to(device)
    order = np.random.default_rng(training.seed)
    best, best_state, since = float("inf"), copy.deepcopy(sandwich.state_dict()), 0
    for epoch in range(training.epochs):
        train_loss = _epoch(sandwich, training, train, optimizer, random, order)
        validation_loss = evaluate_loss(sandwich, training, validation, held_out_noise)
        progress(epoch, train_loss, validation_loss)
        since += 1
        if validation_loss < best:
            best, best_state, since = validation_loss, copy.deepcopy(sandwich.state_dict()), 0
        if since >= training.patience:
            break
    sandwich.load_state_dict(best_state)
    return sandwich.eval()


def sandwich_optimizer(sandwich: Sandwich, training: SandwichTraining) -> torch.optim.Optimizer:
    """AdamW over generator and readout, each at its own rate; it holds no parameter of a subject."""
    return torch.optim.AdamW(
        [
            {"params": sandwich.generator.parameters(), "lr": training.generator_rate},
            {"params": sandwich.readout.parameters(), "lr": training.readout_rate},
        ],
        weight_decay=training.weight_decay,
    )


def sandwich_loss(sandwich: Sandwich, training: SandwichTraining, cohort: Cohort, noise: Tensor) -> Tensor:
    """Loss of each subject, `(models,)`: label and long accuracy, averaged over the draws."""
    evidence = sandwich(cohort.subjects, noise)
    device = evidence.label.device
    labels = cohort.labels.to(device).unsqueeze(1).expand_as(evidence.label)
    # Chance is 0.5: what lies between it and 1 is the soft target.
    target = ((cohort.long_accuracy.to(device) - 0.5) * 2).clamp(0, 1).unsqueeze(1).expand_as(labels)
    hard = F.binary_cross_entropy_with_logits(evidence.label, labels, reduction="none")
    soft = F.binary_cross_entropy_with_logits(evidence.long_accuracy, target, reduction="none")
    weight = training.long_accuracy_weight
    return ((1 - weight) * hard + weight * soft).mean(dim=1)


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
    losses = [sandwich_loss(sandwich, training, cohort, noise) for cohort in cohorts]
    return float(torch.cat(losses).mean())


@torch.no_grad()
def _all_responses(sandwich: Sandwich, cohorts: Sequence[Cohort], random: torch.Generator) -> Tensor:
    noise = draw_noise(sandwich.config, 1, random).to(cohorts[0].subjects.device)
    symbols = sandwich.generator(noise.flatten(0, 1))
    return torch.cat([sandwich.responses(cohort.subjects, symbols) for cohort in cohorts])
