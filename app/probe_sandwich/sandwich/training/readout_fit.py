"""Fitting a readout on recorded responses, without running the subjects again."""

from collections.abc import Callable

import torch
from torch import Tensor

from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.losses import held_out_loss, output_losses, seen_loss
from probe_sandwich.sandwich.training.recorded import Recording

EpochProgress = Callable[[str, int, float], None]
"""Gets the stage, the epoch, and the loss of each subject by the head that is blind to it, averaged."""


def fit_readout(
    config: SandwichConfig,
    training: SandwichTraining,
    recording: Recording,
    blind: BlindHeads,
    seed: int,
    progress: EpochProgress = lambda stage, epoch, loss: None,
    weights: Tensor | None = None,
) -> Readout:
    """A fresh readout, each step on one of the recorded draws; each head keeps the state that had the lowest loss on
    the subjects that it is blind to. `weights (subjects,)`: how much each counts in every loss, by default alike."""
    random = torch.Generator().manual_seed(seed)
    noise, labels, long_accuracy = recording.noise, recording.labels, recording.long_accuracy
    blind_head = blind.of(recording.groups)  # (subjects,)
    weights = torch.ones(len(blind_head)) if weights is None else weights
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        readout = Readout(config)
        readout.standardize_on(recording.channels)
        prepared = readout.prepare(recording.channels)
        best = _BestHeads(readout)
        optimizer = torch.optim.AdamW(
            readout.parameters(), lr=training.readout_rate, weight_decay=training.weight_decay
        )
        for epoch in range(training.readout_epochs):
            readout.train()
            for rows in torch.randperm(len(blind_head), generator=random).split(training.subjects_per_step):
                draw = int(torch.randint(len(noise), (1,), generator=random))
                output = readout.read(prepared.select(rows, draw), noise[draw : draw + 1])
                losses = output_losses(output, training, labels[rows], long_accuracy[rows])  # (heads, rows)
                optimizer.zero_grad()
                (seen_loss(losses, blind_head[rows]) * weights[rows]).mean().backward()
                optimizer.step()
            readout.eval()
            with torch.no_grad():
                losses = output_losses(readout.read(prepared, noise), training, labels, long_accuracy) * weights
            best.note(losses, blind_head)
            progress("readout", epoch, float(held_out_loss(losses, blind_head).mean()))
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
        """Give every head its best state."""
        with torch.no_grad():
            for name, parameter in self.readout.named_parameters():
                parameter.copy_(self.state[name])
