"""Fitting a readout on recorded responses, without running the subjects again."""

from collections.abc import Callable

import torch
from torch import Tensor

from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.forest_fit import grow
from probe_sandwich.sandwich.training.losses import held_out_loss, logit_losses, seen_loss, targets
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
    """A fresh readout. Its layers learn from one of the recorded draws a step; each head keeps those that had the
    lowest loss on the subjects that it is blind to. Its trees are grown on all draws. `weights (subjects,)`: how much
    each counts, by default alike."""
    random = torch.Generator().manual_seed(seed)
    wanted = targets(recording.labels, recording.long_accuracy)
    blind_head = blind.of(recording.groups)  # (subjects,)
    weights = torch.ones(len(blind_head)) if weights is None else weights
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        readout = Readout(config)
        readout.standardize_on(recording.channels)
        statistics = readout.prepare(recording.channels).statistics  # (subjects, draws, statistics)
        best = _BestHeads(readout)
        optimizer = torch.optim.AdamW(
            readout.parameters(), lr=training.readout_rate, weight_decay=training.weight_decay
        )
        for epoch in range(training.readout_epochs):
            readout.train()
            for rows in torch.randperm(len(blind_head), generator=random).split(training.subjects_per_step):
                draw = int(torch.randint(statistics.shape[1], (1,), generator=random))
                logits = readout.by_layers(statistics[rows, draw : draw + 1])
                losses = logit_losses(logits, training, wanted[rows])  # (heads, rows)
                optimizer.zero_grad()
                (seen_loss(losses, blind_head[rows]) * weights[rows]).mean().backward()
                optimizer.step()
            readout.eval()
            with torch.no_grad():
                losses = logit_losses(readout.by_layers(statistics), training, wanted) * weights
            best.note(losses, blind_head)
            progress("readout", epoch, float(held_out_loss(losses, blind_head).mean()))
            if best.since >= training.patience:
                break
        best.restore()
    grow(readout.forest, statistics, wanted, weights, blind_head, seed)
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
