"""Building a zoo: groups of the manifest, trained in stacks, labelled, and written one by one.

An engine is anything that turns stacks of groups into shards, in any order, on any machine; the builder alone
writes. There is nothing to lock: what is finished is what lies in the folder.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from probe_sandwich.answer import Definition
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import run_length_test
from probe_sandwich.subjects.config import Shape
from probe_sandwich.subjects.transformer import SubjectStack, on_device
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.splits import Split
from probe_sandwich.zoo.label import label_of
from probe_sandwich.zoo.precision import pack, unpack
from probe_sandwich.zoo.recipe import Group
from probe_sandwich.zoo.shards import (
    IndexRow,
    finished_groups,
    shard_bytes,
    shard_path,
    shard_rows,
    subject_hash,
    write_index,
)
from probe_sandwich.zoo.training import Run, Trained, train_stack

LABEL_FORMULAS = 2000
DATA_SEED_STEP = 1_000_003


class OtherRecipe(ValueError):
    """A folder already holds shards that another recipe made."""


class BuildFailed(RuntimeError):
    """A stack could not be built, though it was tried again."""


@dataclass(frozen=True)
class Shard:
    """A finished group, ready to be written."""

    group: int
    subjects: int
    converged: int
    content: bytes


Engine = Callable[[Sequence[Sequence[Group]], Definition], Iterator[list[Shard]]]
"""Runs `build_stack` on stacks of groups, somewhere, and yields the shards of each as it is finished. A worker that
dies is replaced and its stack done again; `BuildFailed` where that does not help."""


def build(
    folder: Path,
    manifest: Sequence[Group],
    engine: Engine,
    definition: Definition | None = None,
    groups_a_stack: int = 1,
    progress: Callable[[int, int], None] = lambda subjects, converged: None,
) -> list[IndexRow]:
    """Build the groups that are missing, and write the index.

    `progress` is called after each group with its numbers of subjects and of converged ones.
    Raises `OtherRecipe`, `BuildFailed`.
    """
    definition = definition or Definition(formulas_per_bucket=LABEL_FORMULAS)
    check_recipe(folder, manifest)
    done = finished_groups(folder)
    missing = [group for group in manifest if group.index not in done]
    for shards in engine(stacks(missing, groups_a_stack), definition):
        for shard in shards:
            write_atomically(shard_path(folder, shard.group), shard.content)
            progress(shard.subjects, shard.converged)
    return write_index(folder)


def stacks(groups: Sequence[Group], groups_a_stack: int) -> list[list[Group]]:
    """Groups of one shape put together, at most so many a stack, in the order of their first groups."""
    by_shape: dict[Shape, list[Group]] = defaultdict(list)
    for group in groups:
        by_shape[group.config.shape].append(group)
    cut = [
        alike[start : start + groups_a_stack]
        for alike in by_shape.values()
        for start in range(0, len(alike), groups_a_stack)
    ]
    place = {group.index: number for number, group in enumerate(groups)}
    return sorted(cut, key=lambda stack: place[stack[0].index])


def build_stack(groups: Sequence[Group], definition: Definition, device: str) -> list[Shard]:
    """Train and label the groups of one stack."""
    runs = [training_run(group) for group in groups]
    started = time.perf_counter()
    trained = train_stack(runs, torch.device(device))
    seconds = (time.perf_counter() - started) / sum(len(run.seeds) for run in runs)
    return [_shard(group, outcome, definition, device, seconds) for group, outcome in zip(groups, trained, strict=True)]


def training_run(group: Group) -> Run:
    """What the manifest says a group is trained on."""
    config, training = group.config, group.training
    seed = group.seeds[0] * DATA_SEED_STEP % 2**32
    formulas = sample_formulas(config.task, 1, config.train_max_length, training.formulas, seed, Split.TRAINING)
    return Run(config, training, group.seeds, formulas)


def _shard(group: Group, trained: Trained, definition: Definition, device: str, seconds: float) -> Shard:
    # Labels belong to what is stored.
    stored = pack(trained.weights)
    halves = unpack(stored)
    weights = on_device({name: part.float() for name, part in halves.items()}, device)
    results = run_length_test(SubjectStack.of([group.config] * len(group.seeds), weights), definition)
    rows = [
        IndexRow(
            subject=subject_hash(halves, row),
            group=group.index,
            seed=seed,
            shard=shard_path(Path(), group.index).name,
            row=row,
            reserve=group.reserve,
            config=group.config,
            training=group.training,
            losses=[round(float(loss), 5) for loss in trained.losses[:, row]],
            **label_of(result),
            device=device,
            train_seconds=round(seconds, 3),
        )
        for row, (seed, result) in enumerate(zip(group.seeds, results, strict=True))
    ]
    return Shard(group.index, len(rows), sum(row.converged for row in rows), shard_bytes(stored, rows))


def check_recipe(folder: Path, manifest: Sequence[Group]) -> None:
    """Raises `OtherRecipe` where the folder holds a group that the manifest has otherwise."""
    groups = {group.index: group for group in manifest}
    for row in shard_rows(folder):
        group = groups.get(row.group)
        if group is not None and not _made_by(row, group):
            raise OtherRecipe(f"{row.shard} in {folder} is of another recipe; build into an empty folder")


def _made_by(row: IndexRow, group: Group) -> bool:
    # The drawn learning rate is an exponential, which processors round differently in the last place.
    rate = row.training.learning_rate
    same_rate = math.isclose(rate, group.training.learning_rate, rel_tol=1e-12)
    training = group.training.model_copy(update={"learning_rate": rate})
    return same_rate and (row.config, row.training) == (group.config, training)
