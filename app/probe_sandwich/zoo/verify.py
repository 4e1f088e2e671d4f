"""Does a zoo hold what its index says?"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel

from probe_sandwich.answer import BucketResult
from probe_sandwich.length_test import judge, run_length_test
from probe_sandwich.subjects.transformer import join, on_device
from probe_sandwich.zoo.label import label_of
from probe_sandwich.zoo.shards import IndexRow, read_index, read_weights, shard_rows

_ROUNDED = 2
"""Of the inputs of a bucket, on how many the two classes may lie so close that another kind of device, which rounds
otherwise, chooses the other one."""


class Verification(BaseModel):
    """Outcome of a check; `wrong` names the subjects whose counts came out differently, by more than rounding where
    another kind of device made them; `pruned` counts those whose weights are not there."""

    subjects: int
    pruned: int
    retested: int
    wrong: list[str]


class StaleIndex(ValueError):
    """The index does not repeat what the shards say."""


def verify(
    folder: Path,
    sample: int,
    seed: int,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verification:
    """Recompute the hash and the label of every subject whose weights are there, the latter from its counts, and the
    length-test counts of a random sample.
    `progress` is called with how many of the sample are tested, and of how many.

    Raises `NotAZoo`, `StaleIndex`, `DamagedShard`.
    """
    rows = read_index(folder)
    if rows != list(shard_rows(folder)):
        raise StaleIndex(f"{folder} has an index that differs from its shards; run `probe-sandwich zoo merge` on it")
    pruned = sum(row.row is None for row in rows)
    rows = [row for row in rows if row.row is not None]
    weights = read_weights(folder, rows)
    chosen = np.random.default_rng(seed).permutation(len(rows))[:sample]
    by_group: dict[int, list[int]] = defaultdict(list)
    for number in chosen.tolist():
        by_group[rows[number].group].append(number)
    wrong = {row.subject for row in rows if not _follows(row)}
    tested = 0
    progress(tested, len(chosen))
    for numbers in by_group.values():
        subjects = [(rows[n].config, on_device(weights[n], device)) for n in numbers]
        for number, result in zip(numbers, run_length_test(join(subjects), rows[numbers[0]].definition), strict=True):
            most = 0 if rows[number].device == device.type else _ROUNDED
            if not _alike(result.buckets, rows[number].buckets, most):
                wrong.add(rows[number].subject)
        tested += len(numbers)
        progress(tested, len(chosen))
    return Verification(subjects=len(rows), pruned=pruned, retested=len(chosen), wrong=sorted(wrong))


def _follows(row: IndexRow) -> bool:
    """Whether a row's label, and all that goes with it, is what its counts make."""
    label = label_of(judge(row.buckets, row.definition))
    shares = all(one.accuracy == (one.correct / one.formulas if one.formulas else None) for one in row.buckets)
    return shares and all(getattr(row, name) == value for name, value in label.items())


def _alike(found: list[BucketResult], stored: list[BucketResult], most: int) -> bool:
    """Whether there are as many inputs in every bucket, and as many right ones but for so many."""
    return all(
        one.formulas == other.formulas and abs(one.correct - other.correct) <= most
        for one, other in zip(found, stored, strict=True)
    )
