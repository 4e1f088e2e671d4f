"""Stacked training: the seeds of one configuration as one batched program with one optimizer step.

All parameters of a stack lie in one matrix `(models, parameters)`, of which the named weights are views;
AdamW (Loshchilov & Hutter 2019) is then a handful of operations for all models, whatever their number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from app.formulas.datasets import Formulas
from app.subjects.config import Scheme, SubjectConfig
from app.subjects.transformer import SubjectStack, initial_weights, weight_shapes

BETAS, EPSILON = (0.9, 0.98), 1e-8
WARM_UP = 0.15
SHORTEST_SHARE, SHORT_UNTIL, ALL_FROM = 0.6, 0.15, 0.4
OFFSETS_FROM, OFFSETS_FULL = 0.3, 0.7


class TrainingConfig(BaseModel):
    """How a subject is trained; part of its configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    steps: int = Field(ge=1)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0, description="peak of the one-cycle schedule")
    weight_decay: float = Field(ge=0)
    formulas: int = Field(ge=2, description="distinct training formulas")
    max_offset: int = Field(ge=0, description="largest random shift of the positions (learned, sinusoidal)")


@dataclass(frozen=True)
class Trained:
    """Outcome of a stack's training: weights `(models, ...)` by name, and the losses `(points, models)` logged."""

    weights: dict[str, Tensor]
    losses: Tensor


def train_stack(
    config: SubjectConfig,
    training: TrainingConfig,
    formulas: Sequence[Formulas],
    seeds: Sequence[int],
    device: torch.device,
) -> Trained:
    """Train one subject for each seed, each on its own training set and in its own order."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    theta, layout = _flatten(config, generators)
    theta = theta.to(device).requires_grad_(True)
    ids, labels, lengths = (part.to(device) for part in _training_tensors(formulas))
    first, second = torch.zeros_like(theta), torch.zeros_like(theta)
    decayed = _decay_mask(config).to(device) * training.weight_decay
    shifts = training.max_offset if config.scheme in (Scheme.LEARNED, Scheme.SINUSOIDAL) else 0
    draws = np.random.default_rng(list(seeds))
    models = torch.arange(len(seeds), device=device).unsqueeze(1)
    running = torch.zeros(len(seeds), device=device)
    losses = []
    for step in range(training.steps):
        width = _longest(step / training.steps, config.train_max_length) + 1
        within = int((lengths[0] <= width).sum())
        chosen = torch.from_numpy(draws.integers(within, size=(len(seeds), training.batch))).to(device)
        batch_ids, batch_labels = ids[models, chosen, :width], labels[models, chosen]
        mask = torch.arange(width, device=device) < lengths[models, chosen].unsqueeze(-1)
        offsets = None
        if shifts:
            limit = int(shifts * _offset_share(step / training.steps)) + 1
            offsets = torch.from_numpy(draws.integers(limit, size=chosen.shape)).to(device)
        stack = SubjectStack.of([config] * len(seeds), _views(theta, layout))
        logits = stack.forward(stack.embed_ids(batch_ids), mask, offsets).logits
        loss = F.cross_entropy(logits.flatten(0, 1), batch_labels.flatten(), reduction="none")
        loss = loss.view(len(seeds), -1).mean(dim=1)
        (gradient,) = torch.autograd.grad(loss.sum(), theta)
        rate = training.learning_rate * _one_cycle(step / training.steps)
        with torch.no_grad():
            _adamw_step(theta, gradient, first, second, step + 1, rate, decayed)
            running += (loss.detach() - running) * (1 / min(step + 1, 50))
        if (step + 1) % max(1, training.steps // 20) == 0:
            losses.append(running.cpu().clone())
    weights = {name: view.detach().cpu().clone() for name, view in _views(theta, layout).items()}
    return Trained(weights, torch.stack(losses))


def _one_cycle(progress: float) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to zero (Smith & Topin 2018)."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, 0.02)
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def _longest(progress: float, train_max_length: int) -> int:
    """Longest formula in use: short ones first, which shortens the plateau before binding is learned."""
    share = SHORTEST_SHARE + (1 - SHORTEST_SHARE) * (progress - SHORT_UNTIL) / (ALL_FROM - SHORT_UNTIL)
    return math.ceil(train_max_length * min(1.0, max(SHORTEST_SHARE, share)))


def _offset_share(progress: float) -> float:
    """Share of the largest offset in use: none while binding is learned, then a ramp to all of it."""
    return min(1.0, max(0.0, (progress - OFFSETS_FROM) / (OFFSETS_FULL - OFFSETS_FROM)))


def _adamw_step(
    theta: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: int, rate: float, decay: Tensor
) -> None:
    norm = gradient.norm(dim=1, keepdim=True)
    gradient = gradient * (1.0 / norm.clamp(min=1.0))
    first.lerp_(gradient, 1 - BETAS[0])
    second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    scale = math.sqrt(1 - BETAS[1] ** step)
    theta.mul_(1 - rate * decay)
    theta.addcdiv_(first, second.sqrt().add_(EPSILON * scale), value=-rate * scale / (1 - BETAS[0] ** step))


def _flatten(
    config: SubjectConfig, generators: Sequence[torch.Generator]
) -> tuple[Tensor, list[tuple[str, tuple[int, ...]]]]:
    rows = [
        torch.cat([weight.flatten() for weight in initial_weights(config, generator).values()])
        for generator in generators
    ]
    return torch.stack(rows), list(weight_shapes(config).items())


def _views(theta: Tensor, layout: Sequence[tuple[str, tuple[int, ...]]]) -> dict[str, Tensor]:
    parts = theta.split([math.prod(shape) for _, shape in layout], dim=1)
    return {name: part.view(-1, *shape) for (name, shape), part in zip(layout, parts, strict=True)}


def _decay_mask(config: SubjectConfig) -> Tensor:
    """One for the parameters that decay (matrices), zero for biases and norms: `(parameters,)`."""
    return torch.cat(
        [torch.full((math.prod(shape),), float(len(shape) > 1)) for shape in weight_shapes(config).values()]
    )


def _training_tensors(formulas: Sequence[Formulas]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids with the begin symbol, labels and lengths, each with a leading axis of models."""
    ids = torch.from_numpy(np.stack([part.with_begin() for part in formulas]))
    labels = torch.from_numpy(np.stack([part.satisfiable for part in formulas])).long()
    lengths = torch.from_numpy(np.stack([part.lengths + 1 for part in formulas]))
    return ids, labels, lengths
