"""Labelled subjects for training: one stack for each shape, T and task."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from probe_sandwich.subjects.config import Shape
from probe_sandwich.subjects.transformer import SubjectStack, join, on_device
from probe_sandwich.tasks.task import AnyTask
from probe_sandwich.zoo.shards import IndexRow, read_weights

_CHUNK = 16


@dataclass(frozen=True)
class Cohort:
    """Labelled subjects of one shape, T and task: a stack and `labels`, `long_accuracy`, `groups`, `numbers (models,)`.

    `groups` are their configurations' numbers; `numbers` are the subjects' places in the list that the cohorts were
    made from.
    """

    subjects: SubjectStack
    labels: Tensor
    long_accuracy: Tensor
    groups: Tensor
    numbers: Tensor

    def select(self, rows: Sequence[int]) -> "Cohort":
        """Some subjects of the cohort."""
        index = torch.tensor(rows, dtype=torch.long)
        facts = (self.labels, self.long_accuracy, self.groups, self.numbers)
        return Cohort(self.subjects.select(rows), *(fact[index] for fact in facts))

    def chunks(self, order: Sequence[int]) -> "Iterator[Cohort]":
        """The cohort in pieces of at most 16 subjects, in the given order."""
        for start in range(0, len(order), _CHUNK):
            yield self.select(order[start : start + _CHUNK])


def in_chunks(cohorts: Sequence[Cohort]) -> Iterator[Cohort]:
    """All cohorts in pieces, one after the other."""
    for cohort in cohorts:
        yield from cohort.chunks(range(len(cohort.subjects)))


def shuffled_chunks(cohorts: Sequence[Cohort], order: np.random.Generator) -> list[Cohort]:
    """All cohorts in pieces: each cohort's subjects in random order, then the pieces too."""
    chunks = [chunk for cohort in cohorts for chunk in cohort.chunks(order.permutation(len(cohort.subjects)).tolist())]
    order.shuffle(chunks)
    return chunks


def stack_of(row: IndexRow) -> tuple[Shape, int, AnyTask]:
    """What subjects of one stack share: shape, T and task."""
    return row.config.shape, row.config.train_max_length, row.config.task


def load_cohorts(folder: Path, rows: Sequence[IndexRow], device: torch.device) -> list[Cohort]:
    """The subjects of some index rows, stacked by shape, T and task: probes are placed in multiples of T, and ask about
    the task. A subject's number is its place in `rows`.

    Raises `DamagedShard`, `NotKept`.
    """
    alike: dict[tuple[Shape, int, AnyTask], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        alike[stack_of(row)].append(number)
    cohorts = []
    for numbers in alike.values():
        chosen = [rows[number] for number in numbers]
        weights = read_weights(folder, chosen)
        subjects = join([(row.config, on_device(single, device)) for row, single in zip(chosen, weights, strict=True)])
        cohorts.append(
            Cohort(
                subjects,
                torch.tensor([float(row.label) for row in chosen]),
                # A subject whose position table ends early has no long accuracy: chance is what it would do.
                torch.tensor([0.5 if row.long_accuracy is None else row.long_accuracy for row in chosen]),
                torch.tensor([row.group for row in chosen]),
                torch.tensor(numbers),
            )
        )
    return cohorts
