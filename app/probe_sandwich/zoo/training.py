"""Stacked training: subjects of one shape as one batched program with one optimizer step.

All parameters of a stack lie in one matrix `(models, parameters)`, of which the named weights are views;
AdamW (Loshchilov & Hutter 2019) is then a handful of operations for all models, whatever their number. Steps,
batch, rates and offsets are each run's own: a run sees the same formulas in the same order whatever it is
stacked with, and leaves the stack when its steps are done.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from probe_sandwich.subjects.config import Scheme, SubjectConfig
from probe_sandwich.subjects.transformer import SubjectStack, check_alike, initial_weights, weight_shapes
from probe_sandwich.tasks.datasets import Formulas
from probe_sandwich.zoo.replay import Replay, Turn

BETAS, EPSILON = (0.9, 0.98), 1e-8
WARM_UP = 0.15
SHORTEST_SHARE, SHORT_UNTIL, ALL_FROM = 0.6, 0.15, 0.4
OFFSETS_FROM, OFFSETS_FULL = 0.3, 0.7
_LOSSES_LOGGED = 20
Layout = list[tuple[str, tuple[int, ...]]]


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
class Run:
    """Subjects of one configuration, one for each seed, and the formulas that they are trained on."""

    config: SubjectConfig
    training: TrainingConfig
    seeds: tuple[int, ...]
    formulas: Formulas

    @property
    def shifts(self) -> int:
        """Largest position offset; the other schemes have no use for one."""
        shifted = self.config.scheme in (Scheme.LEARNED, Scheme.SINUSOIDAL)
        return self.training.max_offset if shifted else 0


@dataclass(frozen=True)
class Trained:
    """Outcome of a run: weights `(models, ...)` by name, the losses `(points, models)` logged, and the weights at
    the shares of training that were asked for."""

    weights: dict[str, Tensor]
    losses: Tensor
    snapshots: tuple[dict[str, Tensor], ...]


def train_stack(runs: Sequence[Run], device: torch.device, snapshot_at: Sequence[float] = ()) -> list[Trained]:
    """Train all runs at once. Raises `UnlikeShapes`."""
    check_alike([run.config for run in runs])
    with _tensor_cores(device):
        return _trained(runs, device, snapshot_at)


@contextmanager
def _tensor_cores(device: torch.device) -> Iterator[None]:
    """Products of a GPU's training in TF32; whatever else is measured there stays in single precision."""
    before = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _trained(runs: Sequence[Run], device: torch.device, snapshot_at: Sequence[float]) -> list[Trained]:
    active = [_Active.start(run) for run in runs]
    outcomes: dict[int, Trained] = {}
    optimizer = _Optimizer.start(active, device)
    while active:
        stop = min(entry.run.training.steps for entry in active)
        _train_until(stop, active, optimizer, device, snapshot_at)
        staying: list[int] = []
        for entry, rows in _with_rows(active):
            if entry.run.training.steps > stop:
                staying.extend(range(rows.start, rows.stop))
            else:
                weights = _weights_of(optimizer, entry.run, rows)
                outcomes[id(entry.run)] = Trained(weights, torch.stack(entry.losses), tuple(entry.snapshots))
        active = [entry for entry in active if entry.run.training.steps > stop]
        optimizer = optimizer.select(staying)
    return [outcomes[id(run)] for run in runs]


@dataclass
class _Active:
    """A run in training, with its own order of formulas."""

    run: Run
    draws: np.random.Generator
    losses: list[Tensor] = field(default_factory=list)
    snapshots: list[dict[str, Tensor]] = field(default_factory=list)

    @staticmethod
    def start(run: Run) -> "_Active":
        return _Active(run, np.random.default_rng(list(run.seeds)))

    def width(self, step: int) -> int:
        """Symbols of the longest sequence in use, with the begin symbol."""
        longest = _longest(step / self.run.training.steps, self.run.config.train_max_length)
        return max(longest, int(self.run.formulas.lengths.min())) + 1

    def draw(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """Formulas and position offsets of the step's batch, `(models, batch)` each."""
        run, training = self.run, self.run.training
        within = int((run.formulas.lengths + 1 <= self.width(step)).sum())
        shape = (len(run.seeds), training.batch)
        chosen = self.draws.integers(within, size=shape)
        if not run.shifts:
            return chosen, None
        limit = int(run.shifts * _offset_share(step / training.steps)) + 1
        return chosen, self.draws.integers(limit, size=shape)


@dataclass
class _Optimizer:
    """Parameters of the stack `(models, parameters)` with their moments, and what decays of them by how much."""

    theta: Tensor
    first: Tensor
    second: Tensor
    decay: Tensor
    trained: Tensor | None
    layout: Layout
    running_loss: Tensor
    step: int = 0

    @staticmethod
    def start(active: Sequence[_Active], device: torch.device) -> "_Optimizer":
        configs = [entry.run.config for entry in active]
        # A learned table comes last but for nothing: where some subject has one, all get one, of zeros that stay.
        widest = max(configs, key=lambda config: (config.scheme is Scheme.LEARNED, config.max_positions))
        layout = list(weight_shapes(widest).items())
        theta = torch.stack(
            [
                _flatten(entry.run.config, torch.Generator().manual_seed(seed), layout)
                for entry in active
                for seed in entry.run.seeds
            ]
        ).to(device)
        matrices = torch.cat([torch.full((math.prod(shape),), float(len(shape) > 1)) for _, shape in layout])
        decays = [entry.run.training.weight_decay for entry in active for _ in entry.run.seeds]
        decay = matrices.to(device) * torch.tensor(decays, device=device).unsqueeze(1)
        trained = None
        if len({(c.scheme is Scheme.LEARNED) * c.max_positions for c in configs}) > 1:
            trained = torch.stack(
                [_own_parameters(entry.run.config, layout) for entry in active for _ in entry.run.seeds]
            ).to(device)
        return _Optimizer(
            theta.requires_grad_(True),
            torch.zeros_like(theta),
            torch.zeros_like(theta),
            decay,
            trained,
            layout,
            torch.zeros(len(theta), device=device),
        )

    def views(self) -> dict[str, Tensor]:
        """The named weights `(models, ...)`."""
        return _views(self.theta, self.layout)

    def pace(self, rates: Sequence[float]) -> Tensor:
        """What the coming step of AdamW is taken by, `(4, models, 1)`: each model's rate, its stride with the moments'
        corrections, epsilon with theirs, and the weight of its loss in the running one."""
        step = self.step + 1
        scale = math.sqrt(1 - BETAS[1] ** step)
        strides = [-rate * scale / (1 - BETAS[0] ** step) for rate in rates]
        models = len(rates)
        return torch.tensor([rates, strides, [EPSILON * scale] * models, [1 / min(step, 50)] * models]).unsqueeze(-1)

    def update(self, loss: Tensor, pace: Tensor) -> None:
        """One AdamW step on the models' losses `(models,)`, each at its own pace, gradients clipped to norm 1."""
        (gradient,) = torch.autograd.grad(loss.sum(), self.theta)
        rate, stride, epsilon, share = pace
        with torch.no_grad():
            if self.trained is not None:
                gradient = gradient * self.trained
            gradient = gradient * (1.0 / gradient.norm(dim=1, keepdim=True).clamp(min=1.0))
            self.first.lerp_(gradient, 1 - BETAS[0])
            self.second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            self.theta.mul_(1 - rate * self.decay)
            self.theta.add_((self.first * stride).div_(self.second.sqrt().add_(epsilon)))
            self.running_loss += (loss.detach() - self.running_loss) * share.squeeze(1)

    def select(self, rows: Sequence[int]) -> "_Optimizer":
        """Some models of the stack."""
        index = torch.tensor(rows, dtype=torch.long, device=self.theta.device)
        return replace(
            self,
            theta=self.theta.detach()[index].requires_grad_(True),
            first=self.first[index],
            second=self.second[index],
            decay=self.decay[index],
            trained=None if self.trained is None else self.trained[index],
            running_loss=self.running_loss[index],
        )


def _train_until(
    stop: int,
    active: Sequence[_Active],
    optimizer: _Optimizer,
    device: torch.device,
    snapshot_at: Sequence[float],
) -> None:
    data = _Data.of(active, device)
    configs = [entry.run.config for entry in active for _ in entry.run.seeds]
    # Detached: what autograd keeps of weights that are alive belongs to one stream, and a recording has another.
    stack = SubjectStack.of(configs, _views(optimizer.theta.detach(), optimizer.layout))

    def take(turn: Turn) -> None:
        batch = data.batch(turn)
        trained = replace(stack, weights=optimizer.views())
        logits = trained.forward(trained.embed_ids(batch.ids), batch.mask, batch.positions).logits
        loss = F.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), reduction="none").view(logits.shape[:2])
        loss = loss.mean(dim=1) if data.shares is None else (loss * data.shares).sum(dim=1)
        optimizer.update(loss, turn.pace)

    replayed = device.type == "cuda"
    go = Replay(take) if replayed else take
    for step in range(optimizer.step, stop):
        progress = [(entry.run, step / entry.run.training.steps) for entry in active]
        rates = [run.training.learning_rate * _one_cycle(done) for run, done in progress for _ in run.seeds]
        # What is replayed has one width: the longest.
        width = max(entry.width(stop if replayed else step) for entry in active)
        chosen, offsets = data.draw(active, step)
        go(Turn(chosen, offsets, optimizer.pace(rates), width))
        optimizer.step += 1
        for entry, rows in _with_rows(active):
            steps = entry.run.training.steps
            if (step + 1) % max(1, steps // _LOSSES_LOGGED) == 0:
                entry.losses.append(optimizer.running_loss[rows].cpu().clone())
            if step + 1 in [round(share * steps) for share in snapshot_at]:
                entry.snapshots.append(_weights_of(optimizer, entry.run, rows))


@dataclass(frozen=True)
class _Batch:
    """Ids, labels, mask and positions, each with leading axes `(models, batch)`."""

    ids: Tensor
    labels: Tensor
    mask: Tensor
    positions: Tensor | None


@dataclass(frozen=True)
class _Data:
    """The training sets of all runs in one table `(formulas, length)`, where each run's begins in it, and, where
    batches differ in size, what share each formula of a batch has in its model's loss."""

    ids: Tensor
    labels: Tensor
    lengths: Tensor
    starts: tuple[int, ...]
    shares: Tensor | None

    @staticmethod
    def of(active: Sequence[_Active], device: torch.device) -> "_Data":
        sets = [entry.run.formulas for entry in active]
        width = max(part.ids.shape[1] for part in sets) + 1
        ids = np.concatenate([np.pad(part.with_begin(), ((0, 0), (0, width - 1 - part.ids.shape[1]))) for part in sets])
        sizes = [entry.run.training.batch for entry in active for _ in entry.run.seeds]
        shares = None
        if len(set(sizes)) > 1:
            within = torch.arange(max(sizes))[None] < torch.tensor(sizes).unsqueeze(1)
            shares = (within / torch.tensor(sizes).unsqueeze(1)).to(device)
        return _Data(
            torch.from_numpy(ids).to(device),
            torch.from_numpy(np.concatenate([part.satisfiable for part in sets])).long().to(device),
            torch.from_numpy(np.concatenate([part.lengths + 1 for part in sets])).to(device),
            tuple(np.cumsum([0, *(len(part) for part in sets)]).tolist()),
            shares,
        )

    def draw(self, active: Sequence[_Active], step: int) -> tuple[Tensor, Tensor | None]:
        """The next formulas of every run and their position offsets, `(models, batch)`, the smaller batches filled up
        with formulas that do not count."""
        most = max(entry.run.training.batch for entry in active)
        models = sum(len(entry.run.seeds) for entry in active)
        chosen, offsets = np.empty((models, most), np.int64), np.zeros((models, most), np.int64)
        for (entry, rows), start in zip(_with_rows(active), self.starts, strict=False):
            formulas, shifts = entry.draw(step)
            chosen[rows] = start
            chosen[rows, : formulas.shape[1]] += formulas
            if shifts is not None:
                offsets[rows, : formulas.shape[1]] = shifts
        shifted = any(entry.run.shifts for entry in active)
        return torch.from_numpy(chosen), torch.from_numpy(offsets) if shifted else None

    def batch(self, turn: Turn) -> _Batch:
        """What a step is taken on."""
        places = torch.arange(turn.width, device=turn.chosen.device)
        mask = places < self.lengths[turn.chosen].unsqueeze(-1)
        positions = None if turn.offsets is None else places + turn.offsets.unsqueeze(-1)
        return _Batch(self.ids[turn.chosen, : turn.width], self.labels[turn.chosen], mask, positions)


def _with_rows(active: Sequence[_Active]) -> list[tuple[_Active, slice]]:
    """Each run with its rows in the stack."""
    ends = np.cumsum([len(entry.run.seeds) for entry in active]).tolist()
    return [(entry, slice(end - len(entry.run.seeds), end)) for entry, end in zip(active, ends, strict=True)]


def _weights_of(optimizer: _Optimizer, run: Run, rows: slice) -> dict[str, Tensor]:
    """A run's own tensors, copied, without what it has only because others of its stack do."""
    named = optimizer.views()
    return {
        name: named[name].detach()[rows, : shape[0]].cpu().clone() for name, shape in weight_shapes(run.config).items()
    }


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


def _flatten(config: SubjectConfig, generator: torch.Generator, layout: Layout) -> Tensor:
    """A fresh subject's parameters `(parameters,)`, zero where the layout has more than the subject."""
    own = initial_weights(config, generator)
    parts = []
    for name, shape in layout:
        part = own.get(name, torch.zeros(shape))
        missing = torch.zeros(shape[0] - part.shape[0], *shape[1:])
        parts.append(torch.cat([part, missing]).flatten())
    return torch.cat(parts)


def _own_parameters(config: SubjectConfig, layout: Layout) -> Tensor:
    """One for each parameter that the subject has, zero for what it only carries along: `(parameters,)`."""
    own = weight_shapes(config)
    parts = []
    for name, shape in layout:
        part = torch.zeros(shape)
        part[: own.get(name, (0,))[0]] = 1
        parts.append(part.flatten())
    return torch.cat(parts)


def _views(theta: Tensor, layout: Layout) -> dict[str, Tensor]:
    parts = theta.split([math.prod(shape) for _, shape in layout], dim=1)
    return {name: part.view(-1, *shape) for (name, shape), part in zip(layout, parts, strict=True)}
