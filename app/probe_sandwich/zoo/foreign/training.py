"""Training of one foreign subject, as people write it: AdamW, one cycle, gradients clipped."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.tasks.datasets import Formulas
from probe_sandwich.zoo.foreign.config import BEGIN, END, PAD, Family, ForeignConfig, ForeignTraining
from probe_sandwich.zoo.foreign.subject import build_module, subject_of

BETAS = (0.9, 0.98)
WARM_UP = 0.15
_SHORTEST_SHARE, _SHORT_UNTIL, _ALL_FROM = 0.6, 0.15, 0.4
_OFFSETS_FROM, _OFFSETS_FULL = 0.3, 0.7
_HOPELESS = ((0.35, 0.67), (0.6, 0.5))
_REMEMBERED = 100
"""Given up: at so large a share of the steps, with so large a running loss; steps that it remembers."""

PlacedForward = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Ids with the begin symbol first, mask and positions `(batch, length)` each, to logits `(batch, classes)`."""


@dataclass(frozen=True)
class TrainedModule:
    """A trained module, its running loss at the end, and the step at which hope was given up, if it was."""

    module: nn.Module
    loss: float
    given_up_at: int | None


def train(config: ForeignConfig, training: ForeignTraining, examples: Formulas, seed: int) -> TrainedModule:
    """Train a fresh module. Where a share of the steps leaves the running loss too high, it is given up: a selection,
    which its row tells."""
    module = build_module(config, seed, training.dropout).train()
    ask = _asking(config, module)
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=training.learning_rate, betas=BETAS, weight_decay=training.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _one_cycle(step / training.steps))
    batches = _Batches(config, training, examples, np.random.default_rng(seed))
    running = math.log(2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of dropout
        for step in range(training.steps):
            ids, mask, positions, labels = batches.draw(step)
            loss = F.cross_entropy(ask(ids, mask, positions), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            running += (float(loss.detach()) - running) / _REMEMBERED
            if running < training.stop_loss and step > training.steps * _ALL_FROM:
                break
            if any(step == int(training.steps * share) and running > most for share, most in _HOPELESS):
                return TrainedModule(module.eval(), running, step)
    return TrainedModule(module.eval(), running, None)


@dataclass(frozen=True)
class _Batches:
    """Labelled inputs in random order, the shortest first where the habit says so, and shifted."""

    config: ForeignConfig
    training: ForeignTraining
    examples: Formulas
    random: np.random.Generator

    def draw(self, step: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Ids with the begin symbol first, mask and positions, `(batch, length)` each, and labels `(batch,)`."""
        training, done = self.training, step / self.training.steps
        longest = _longest(done, self.config.train_max_length) if training.short_first else self.config.train_max_length
        longest = max(longest, int(self.examples.lengths[0]))  # a language need not have short ones
        within = int(np.searchsorted(self.examples.lengths, longest, side="right"))
        rows = self.random.integers(within, size=training.batch)
        lengths = torch.from_numpy(self.examples.lengths[rows]) + 1
        width = int(lengths.max())
        ids = torch.from_numpy(self.examples.with_begin(rows))[:, :width]
        mask = torch.arange(width) < lengths.unsqueeze(1)
        positions = None
        if training.max_offset:
            largest = int(training.max_offset * _offset_share(done))
            positions = torch.arange(width) + torch.from_numpy(self.random.integers(largest + 1, size=(len(ids), 1)))
        return ids, mask, positions, torch.from_numpy(self.examples.satisfiable[rows]).long()


def _asking(config: ForeignConfig, module: nn.Module) -> PlacedForward:
    """A plain module is asked directly, since it takes positions in training; others through their adapter."""
    subject = subject_of(config, module)
    if config.family is not Family.PLAIN:
        return lambda ids, mask, positions: _logits(subject, ids, mask, positions)
    return lambda ids, mask, positions: module(*_framed(config, ids, mask, positions))


def _logits(subject: Subjects, ids: Tensor, mask: Tensor, positions: Tensor | None) -> Tensor:
    places = None if positions is None else positions.unsqueeze(0)
    return subject.forward(subject.embed_ids(ids.unsqueeze(0)), mask, places).logits[0]


def _framed(
    config: ForeignConfig, ids: Tensor, mask: Tensor, positions: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """A plain module's ids, its padding mask and positions."""
    vocabulary = config.vocabulary
    ids = torch.where(mask, ids, vocabulary.index(PAD))
    ids = torch.cat([torch.full_like(ids[:, :1], vocabulary.index(BEGIN)), ids[:, 1:]], dim=1)
    if not config.begins:
        ids, mask = ids[:, 1:], mask[:, 1:]
        positions = None if positions is None else positions[:, 1:] - 1
    if config.ends:
        ids = F.pad(ids, (0, 1), value=vocabulary.index(PAD))
        mask = F.pad(mask, (1, 0), value=True)
        ids = torch.where(mask & ~F.pad(mask[:, 1:], (0, 1), value=False), vocabulary.index(END), ids)
        positions = None if positions is None else torch.cat([positions, positions[:, -1:] + 1], dim=1)
    return ids, ~mask, positions


def _one_cycle(progress: float) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to zero."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, 0.02)
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def _offset_share(progress: float) -> float:
    """Share of the largest offset in use: none while the task is learned, then a ramp to all of it."""
    return min(1.0, max(0.0, (progress - _OFFSETS_FROM) / (_OFFSETS_FULL - _OFFSETS_FROM)))


def _longest(progress: float, train_max_length: int) -> int:
    """Longest input in use: short ones first, which shortens the plateau before the task is learned."""
    share = _SHORTEST_SHARE + (1 - _SHORTEST_SHARE) * (progress - _SHORT_UNTIL) / (_ALL_FROM - _SHORT_UNTIL)
    return math.ceil(train_max_length * min(1.0, max(_SHORTEST_SHARE, share)))
