"""Building a zoo: groups of the manifest, each trained, labelled and written by itself.

An engine is anything that runs `build_group` for the groups that are missing. There is no shared writer and
nothing to lock: what is finished is what lies in the folder.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import torch

from app.formulas.datasets import Split, sample_formulas
from app.length_test import Definition, run_length_test
from app.subjects.transformer import SubjectStack
from app.zoo.recipe import Group
from app.zoo.shards import (
    IndexRow,
    finished_groups,
    shard_path,
    shard_rows,
    subject_hash,
    write_index,
    write_shard,
)
from app.zoo.training import train_stack

LABEL_FORMULAS = 2000
DATA_SEED_STEP = 1_000_003


class OtherRecipe(ValueError):
    """A folder already holds shards that another recipe made."""


def build_group(folder: Path, group: Group, definition: Definition, device: str) -> int:
    """Train, label and store one group; returns its number of converged subjects."""
    config, training = group.config, group.training
    formulas = sample_formulas(
        config.task,
        1,
        config.train_max_length,
        training.formulas,
        group.seeds[0] * DATA_SEED_STEP % 2**32,
        Split.TRAINING,
    )
    started = time.perf_counter()
    trained = train_stack(config, training, [formulas] * len(group.seeds), group.seeds, torch.device(device))
    seconds = (time.perf_counter() - started) / len(group.seeds)
    # Labels belong to what is stored: the half-precision weights.
    stored = {name: weight.half().float().to(device) for name, weight in trained.weights.items()}
    results = run_length_test(SubjectStack.of([config] * len(group.seeds), stored), definition)
    rows = [
        IndexRow(
            subject=subject_hash(trained.weights, row),
            group=group.index,
            seed=seed,
            shard=shard_path(folder, group.index).name,
            row=row,
            reserve=group.reserve,
            config=config,
            training=training,
            losses=[round(float(loss), 5) for loss in trained.losses[:, row]],
            buckets=result.buckets,
            converged=result.converged,
            label=result.generalizer,
            certain=result.certain,
            in_distribution_accuracy=result.in_distribution_accuracy,
            long_accuracy=result.long_accuracy,
            reach=result.reach,
            definition=definition,
            device=device,
            train_seconds=round(seconds, 3),
        )
        for row, (seed, result) in enumerate(zip(group.seeds, results, strict=True))
    ]
    write_shard(folder, group.index, trained.weights, rows)
    return sum(row.converged for row in rows)


def build(
    folder: Path,
    manifest: Sequence[Group],
    workers: int,
    device: str = "cpu",
    definition: Definition | None = None,
    progress: Callable[[int, int], None] = lambda subjects, converged: None,
) -> list[IndexRow]:
    """Build the groups that are missing, in one-thread worker processes, and write the index.

    `progress` is called after each group with its numbers of subjects and of converged ones.
    Raises `OtherRecipe`.
    """
    definition = definition or Definition(formulas_per_bucket=LABEL_FORMULAS)
    _check_recipe(folder, manifest)
    done = finished_groups(folder)
    missing = [group for group in manifest if group.index not in done]
    for group, converged in _run_pool(folder, missing, definition, device, workers):
        progress(len(group.seeds), converged)
    return write_index(folder)


def _check_recipe(folder: Path, manifest: Sequence[Group]) -> None:
    groups = {group.index: group for group in manifest}
    for row in shard_rows(folder):
        group = groups.get(row.group)
        if group is not None and (row.config, row.training) != (group.config, group.training):
            raise OtherRecipe(f"{row.shard} in {folder} is of another recipe; build into an empty folder")


def _run_pool(
    folder: Path, groups: Sequence[Group], definition: Definition, device: str, workers: int
) -> Iterator[tuple[Group, int]]:
    # CUDA cannot be used in a forked child, hence spawn.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker) as pool:
        queue = iter(groups)
        running: dict[Future[int], Group] = {}
        while True:
            while len(running) < workers and (group := next(queue, None)) is not None:
                running[pool.submit(build_group, folder, group, definition, device)] = group
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()


def _start_worker() -> None:
    torch.set_num_threads(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A builder killed outright cannot stop its workers; so they watch it."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
