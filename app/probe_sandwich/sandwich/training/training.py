"""Training one sandwich over labelled subjects, many subjects a step, the subjects frozen."""

import copy
from collections.abc import Sequence

import numpy as np
import torch

from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.losses import evaluate_loss, sandwich_losses, seen_loss
from probe_sandwich.sandwich.training.readout_fit import EpochProgress, fit_readout
from probe_sandwich.sandwich.training.recorded import Recording
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.sandwich.universal import UniversalSandwich
from probe_sandwich.zoo.cohorts import Cohort, shuffled_chunks


def train_sandwich(
    config: SandwichConfig,
    training: SandwichTraining,
    cohorts: Sequence[Cohort],
    recording: Recording,
    blind: BlindHeads,
    seed: int,
    progress: EpochProgress = lambda stage, epoch, loss: None,
) -> UniversalSandwich:
    """A sandwich trained on cohorts, and on a recording of their answers (`record_answers`).

    A readout needs many epochs and a selector few, and nearly all the time goes into the frozen subjects: so the
    readout is first fitted on the recording, and then both are trained through the subjects.
    """
    device = cohorts[0].subjects.device
    sandwich = start_universal(config, training).to(device)
    sandwich.readout = fit_readout(config, training, recording, blind, seed, progress).to(device)
    train_through(sandwich, training, cohorts, blind, seed, progress)
    return sandwich.eval()


def train_through(
    sandwich: UniversalSandwich,
    training: SandwichTraining,
    cohorts: Sequence[Cohort],
    blind: BlindHeads,
    seed: int,
    progress: EpochProgress = lambda stage, epoch, loss: None,
) -> None:
    """Train selector and readout through the frozen subjects; the epoch with the lowest held-out loss stays.

    Each head stays blind to its part of the configurations, but the selector serves all heads and sees every subject:
    the held-out loss flatters it.
    """
    random = torch.Generator().manual_seed(seed)
    optimizer = sandwich_optimizer(sandwich, training)
    noise = draw_noise(sandwich.config, 1, random).to(cohorts[0].subjects.device)
    lowest, best = torch.inf, copy.deepcopy(sandwich.state_dict())
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for epoch in range(training.epochs + 1 if training.epochs else 0):
            loss = evaluate_loss(sandwich, training, cohorts, noise, blind)
            progress("both", epoch, loss)
            if loss < lowest:
                lowest, best = loss, copy.deepcopy(sandwich.state_dict())
            if epoch < training.epochs:
                _epoch(sandwich, training, cohorts, optimizer, blind, random)
    sandwich.load_state_dict(best)


def sandwich_optimizer(sandwich: UniversalSandwich, training: SandwichTraining) -> torch.optim.Optimizer:
    """AdamW over selector and readout, each at its own rate; it holds no parameter of a subject."""
    return torch.optim.AdamW(
        [
            {"params": sandwich.generator.parameters(), "lr": training.generator_rate},
            {"params": sandwich.readout.parameters(), "lr": training.joint_readout_rate},
        ],
        weight_decay=training.weight_decay,
    )


def _epoch(
    sandwich: UniversalSandwich,
    training: SandwichTraining,
    cohorts: Sequence[Cohort],
    optimizer: torch.optim.Optimizer,
    blind: BlindHeads,
    random: torch.Generator,
) -> None:
    sandwich.train()
    device = cohorts[0].subjects.device
    order = np.random.default_rng(int(torch.randint(2**31, (1,), generator=random)))
    chunks = shuffled_chunks(cohorts, order)
    remaining = sum(len(chunk.subjects) for chunk in chunks)
    pending = 0
    for chunk in chunks:
        noise = draw_noise(sandwich.config, 1, random).to(device)
        losses = sandwich_losses(sandwich, training, chunk, noise)
        (seen_loss(losses, blind.of(chunk.groups)).sum() / training.subjects_per_step).backward()
        pending += len(chunk.subjects)
        remaining -= len(chunk.subjects)
        if pending >= training.subjects_per_step or not remaining:
            optimizer.step()
            optimizer.zero_grad()
            pending = 0
