"""What verdicts are worth on subjects from elsewhere: each judged by the whole ensemble, whatever it abstains from."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.sandwich.prediction import Prediction
from probe_sandwich.zoo.cohorts import load_cohorts
from probe_sandwich.zoo.foreign.store import ForeignRow, read_module, read_rows, read_subject
from probe_sandwich.zoo.foreign.subject import build_module, subject_of
from probe_sandwich.zoo.shards import IndexRow, shard_rows

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Judged:
    """One subject: the kinds that it counts in, what it is, and what the ensemble says of it.

    `unlikeness` is its distance from the zoo in units of the limit; `split` tells that members are of two minds.
    """

    kinds: tuple[str, ...]
    label: bool
    converged: bool
    probability: float
    unlikeness: float
    split: bool


class Worth(BaseModel):
    """What verdicts on some subjects are worth: if all were answered, and as the rule on distance has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    generalizers: int
    auc: float | None
    accuracy: float
    answered: int
    accuracy_of_answered: float | None
    median_unlikeness: float
    largest_unlikeness: float


def worth(judged: Sequence[Judged], threshold: float, limit: float = 1.0) -> Worth:
    """Of subjects, at least one; answered are those no further than `limit` of whom members are of one mind."""
    label = np.array([one.label for one in judged])
    probability = np.array([one.probability for one in judged])
    unlikeness = np.array([one.unlikeness for one in judged])
    right = (probability >= threshold) == label
    answered = (unlikeness <= limit) & ~np.array([one.split for one in judged])
    return Worth(
        subjects=len(judged),
        generalizers=int(label.sum()),
        auc=auc(probability, label),
        accuracy=float(right.mean()),
        answered=int(answered.sum()),
        accuracy_of_answered=float(right[answered].mean()) if answered.any() else None,
        median_unlikeness=float(np.median(unlikeness)),
        largest_unlikeness=float(unlikeness.max()),
    )


def by_kind(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Subjects by every kind that they count in."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        for kind in one.kinds:
            found[kind].append(one)
    return dict(found)


def judge_zoo(meta: MetaClassifier, folder: Path, keep: Callable[[IndexRow], bool]) -> Iterator[Judged]:
    """Converged subjects of a zoo of our own architecture that the ensemble was not trained on."""
    rows = [row for row in shard_rows(folder) if row.converged and keep(row)]
    for cohort in load_cohorts(folder, rows, CPU):
        said = meta.predict(cohort.subjects)
        for place, number in enumerate(cohort.numbers.tolist()):
            yield _judged(_kinds_of_own(rows[number]), rows[number], said, place, meta.card.threshold)


def judge_foreign(meta: MetaClassifier, folder: Path) -> Iterator[Judged]:
    """Converged subjects of the foreign test set, one after the other: weights of others are not kept."""
    for row in read_rows(folder):
        if row.converged:
            said = meta.predict(read_subject(folder, row))
            yield _judged(_kinds_of_foreign(row), row, said, 0, meta.card.threshold)


def judge_made_of_foreign(meta: MetaClassifier, folder: Path) -> Iterator[Judged]:
    """Of every converged subject of the foreign test set two that answer nothing: its weights shuffled, and fresh."""
    for row in read_rows(folder):
        if not row.converged:
            continue
        made = {
            "foreign, shuffled weights": shuffled(read_module(folder, row), row.number),
            "foreign, freshly initialized": build_module(row.config, row.seed),
        }
        for kind, module in made.items():
            said = meta.predict(subject_of(row.config, module))
            split = bool(said.split(meta.card.threshold)[0])
            yield Judged((kind,), False, False, float(said.probability[0]), float(said.unlikeness[0]), split)


def shuffled(module: nn.Module, seed: int) -> nn.Module:
    """The module itself, the entries of each of its parameters in another order."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.flatten()[torch.randperm(parameter.numel(), generator=random)].view_as(parameter))
    return module


def _judged(
    kinds: tuple[str, ...], row: IndexRow | ForeignRow, said: Prediction, number: int, threshold: float
) -> Judged:
    return Judged(
        kinds,
        row.label,
        row.converged,
        float(said.probability[number]),
        float(said.unlikeness[number]),
        bool(said.split(threshold)[number]),
    )


def _kinds_of_own(row: IndexRow) -> tuple[str, ...]:
    config = row.config
    return (
        "own architecture",
        f"own, T = {config.train_max_length}",
        f"own, {config.scheme} positions",
        f"own, width {config.d_model}",
        f"own, {config.layers} layers",
        f"own, {config.pooling} pooling",
        f"own, {config.activation} activation",
    )


def _kinds_of_foreign(row: ForeignRow) -> tuple[str, ...]:
    config = row.config
    if not row.converged:
        return ("foreign, not converged",)
    shifts = "with" if row.training.max_offset else "without"
    return (
        "foreign",
        f"foreign, {config.family}",
        f"foreign, T = {config.train_max_length}",
        f"foreign, {shifts} offsets",
        f"foreign, {config.table} positions",
        f"foreign, {config.pool} pooling",
    )
