"""Training one sandwich over labelled subjects, many subjects a step, the subjects frozen."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from probe_sandwich.sandwich.cohorts import Cohort, in_chunks, shuffled_chunks
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.generator import warm_up
from probe_sandwich.sandwich.kept import Kept, keep
from probe_sandwich.sandwich.readout import Evidence, Readout
from probe_sandwich.sandwich.sandwich import Sandwich, draw_noise

Progress = Callable[[str, int, float], None]
"""Gets the stage, the epoch, and the loss of each subject by the head that is blind to it, averaged."""


class TooFewConfigurations(ValueError):
    """A readout has more heads than there are configurations to hide from them."""


def start_sandwich(config: SandwichConfig, training: SandwichTraining) -> Sandwich:
    """A sandwich that has seen no subject yet, its generator warmed up: the same one for the same settings."""
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        sandwich = Sandwich(config)
        warm_up(sandwich.generator, training.warm_up_steps, torch.Generator().manual_seed(training.seed))
    return sandwich.eval()


def kept_noise(config: SandwichConfig, training: SandwichTraining) -> Tensor:
    """The noise `(draws, probes, noise_dim)` whose responses a readout is first fitted on."""
    return draw_noise(config, training.kept_draws, torch.Generator().manual_seed(training.seed + 1))


def keep_for_training(
    config: SandwichConfig, training: SandwichTraining, cohorts: Sequence[Cohort]
) -> tuple[Kept, Tensor]:
    """Responses to the probes of a sandwich that has seen no subject yet, and the noise behind them."""
    sandwich = start_sandwich(config, training).to(cohorts[0].subjects.device)
    noise = kept_noise(config, training)
    with torch.inference_mode():
        symbols = sandwich.generator(noise.to(cohorts[0].subjects.device))
    return keep(sandwich, cohorts, symbols), noise


def train_sandwich(
    config: SandwichConfig,
    training: SandwichTraining,
    cohorts: Sequence[Cohort],
    kept: Kept,
    noise: Tensor,
    seed: int,
    progress: Progress = lambda stage, epoch, loss: None,
) -> Sandwich:
    """A readout needs many epochs and a generator few, and nearly all the time goes into the frozen subjects: so the
    readout is first fitted on the subjects' responses that were `kept` (`keep_for_training`), and then both are trained
    through the subjects.

    Raises `TooFewConfigurations`.
    """
    device = cohorts[0].subjects.device
    sandwich = start_sandwich(config, training).to(device)
    sandwich.readout = fit_readout(config, training, kept, noise, seed, progress).to(device)
    train_through(sandwich, training, cohorts, seed, progress)
    return sandwich.eval()


def blind_heads(groups: Tensor, heads: int, seed: int) -> Tensor:
    """Which head is to be blind to the subjects of each configuration, by configuration number.

    A head that is blind to a subject is blind to all of its configuration. Raises `TooFewConfigurations`.
    """
    found = groups.unique()
    if len(found) < heads:
        raise TooFewConfigurations(
            f"{heads} heads need at least as many configurations, and there are {len(found)}: build more, or lower "
            "SandwichConfig.heads"
        )
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(seed))
    table = torch.full((int(found.max()) + 1,), -1)
    table[found[order]] = torch.arange(len(found)) % heads
    return table


def fit_readout(
    config: SandwichConfig,
    training: SandwichTraining,
    kept: Kept,
    noise: Tensor,
    seed: int,
    progress: Progress = lambda stage, epoch, loss: None,
) -> Readout:
    """A fresh readout fitted on kept responses to `noise (draws, probes, noise_dim)`, each step on one of the draws;
    of each head the state with the lowest loss on the subjects that it is blind to. Raises `TooFewConfigurations`."""
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        readout = Readout(config)
        blind = blind_heads(kept.groups, config.heads, seed)[kept.groups]
        readout.standardize_on(kept.channels)
        prepared = readout.prepare(kept.channels)
        best = _BestHeads(readout)
        optimizer = torch.optim.AdamW(
            readout.parameters(), lr=training.readout_rate, weight_decay=training.weight_decay
        )
        for epoch in range(training.readout_epochs):
            readout.train()
            for rows in torch.randperm(len(blind), generator=random).split(training.subjects_per_step):
                draw = int(torch.randint(len(noise), (1,), generator=random))
                evidence = readout.read(prepared.select(rows, draw), noise[draw : draw + 1])
                loss = _losses(evidence, training, kept.labels[rows], kept.long_accuracy[rows])
                optimizer.zero_grad()
                seen_loss(loss, blind[rows]).mean().backward()
                optimizer.step()
            readout.eval()
            with torch.no_grad():
                losses = _losses(readout.read(prepared, noise), training, kept.labels, kept.long_accuracy)
            best.note(losses, blind)
            progress("readout", epoch, float(held_out_loss(losses, blind).mean()))
            if best.since >= training.patience:
                break
        best.restore()
    return readout.eval()


class _BestHeads:
    """Of every head the state of the lowest held-out loss so far."""

    def __init__(self, readout: Readout) -> None:
        self.readout = readout
        self.loss = torch.full((readout.config.heads,), torch.inf)
        self.state = {name: parameter.detach().clone() for name, parameter in readout.named_parameters()}
        self.since = 0

    def note(self, losses: Tensor, blind: Tensor) -> None:
        """Look at losses `(heads, subjects)`; `since` counts the calls in which no head got better."""
        held_out = torch.stack([losses[head, blind == head].mean() for head in range(len(losses))])
        better = held_out < self.loss
        self.loss = torch.where(better, held_out, self.loss)
        for name, parameter in self.readout.named_parameters():
            self.state[name][better] = parameter.detach()[better]
        self.since = 0 if bool(better.any()) else self.since + 1

    def restore(self) -> None:
        """Put the best states back."""
        with torch.no_grad():
            for name, parameter in self.readout.named_parameters():
                parameter.copy_(self.state[name])


def train_through(
    sandwich: Sandwich,
    training: SandwichTraining,
    cohorts: Sequence[Cohort],
    seed: int,
    progress: Progress = lambda stage, epoch, loss: None,
) -> None:
    """Train generator and readout through the frozen subjects; the epoch with the lowest held-out loss stays.

    The heads stay blind to what they were blind to, but the generator serves them all: its held-out loss flatters.
    """
    random = torch.Generator().manual_seed(seed)
    groups = torch.cat([cohort.groups for cohort in cohorts])
    blind = blind_heads(groups, sandwich.config.heads, seed)
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


def sandwich_optimizer(sandwich: Sandwich, training: SandwichTraining) -> torch.optim.Optimizer:
    """AdamW over generator and readout, each at its own rate; it holds no parameter of a subject."""
    return torch.optim.AdamW(
        [
            {"params": sandwich.generator.parameters(), "lr": training.generator_rate},
            {"params": sandwich.readout.parameters(), "lr": training.joint_readout_rate},
        ],
        weight_decay=training.weight_decay,
    )


def sandwich_losses(sandwich: Sandwich, training: SandwichTraining, cohort: Cohort, noise: Tensor) -> Tensor:
    """Loss of every head on every subject, `(heads, models)`: label and long accuracy, averaged over the draws."""
    return _losses(sandwich(cohort.subjects, noise), training, cohort.labels, cohort.long_accuracy)


def seen_loss(losses: Tensor, blind: Tensor) -> Tensor:
    """Mean loss `(models,)` by the heads that are not blind to a subject, of losses `(heads, models)`."""
    seeing = torch.arange(len(losses), device=losses.device).unsqueeze(1) != blind.to(losses.device)
    return (losses * seeing).sum(dim=0) / seeing.sum(dim=0)


def held_out_loss(losses: Tensor, blind: Tensor) -> Tensor:
    """Loss `(models,)` by the head that is blind to a subject, of losses `(heads, models)`."""
    return losses.gather(0, blind.to(losses.device).unsqueeze(0))[0]


@torch.no_grad()
def evaluate_loss(
    sandwich: Sandwich, training: SandwichTraining, cohorts: Sequence[Cohort], noise: Tensor, blind: Tensor
) -> float:
    """Mean held-out loss over the subjects; `blind` as from `blind_heads`."""
    sandwich.eval()
    losses = [
        held_out_loss(sandwich_losses(sandwich, training, chunk, noise), blind[chunk.groups])
        for chunk in in_chunks(cohorts)
    ]
    return float(torch.cat(losses).mean())


def _losses(evidence: Evidence, training: SandwichTraining, labels: Tensor, long_accuracy: Tensor) -> Tensor:
    device = evidence.label.device
    label = labels.to(device).unsqueeze(1).expand_as(evidence.label)
    # Chance is 0.5: what lies between it and 1 is the soft target.
    target = ((long_accuracy.to(device) - 0.5) * 2).clamp(0, 1).unsqueeze(1).expand_as(label)
    hard = F.binary_cross_entropy_with_logits(evidence.label, label, reduction="none")
    soft = F.binary_cross_entropy_with_logits(evidence.long_accuracy, target, reduction="none")
    weight = training.long_accuracy_weight
    return ((1 - weight) * hard + weight * soft).mean(dim=2)


def _epoch(
    sandwich: Sandwich,
    training: SandwichTraining,
    cohorts: Sequence[Cohort],
    optimizer: torch.optim.Optimizer,
    blind: Tensor,
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
        (seen_loss(losses, blind[chunk.groups]).sum() / training.subjects_per_step).backward()
        pending += len(chunk.subjects)
        remaining -= len(chunk.subjects)
        if pending >= training.subjects_per_step or not remaining:
            optimizer.step()
            optimizer.zero_grad()
            pending = 0
