"""The subjects of several zoos in one table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.universal.part import Part
from probe_sandwich.zoo.cohorts import Cohort, load_cohorts
from probe_sandwich.zoo.shards import IndexRow, read_index

_CONFIGURATIONS_A_ZOO = 100_000


@dataclass(frozen=True)
class Table:
    """Converged subjects: index rows with the folder of each, and arrays `(subjects,)` of what is known of them.

    `configurations` are numbers that no two zoos share.
    """

    folders: list[Path]
    rows: list[IndexRow]
    configurations: NDArray[np.int64]
    labels: NDArray[np.bool_]
    long_accuracy: NDArray[np.float64]
    tasks: NDArray[np.str_]
    lengths: NDArray[np.int64]
    reserve: NDArray[np.bool_]

    @staticmethod
    def of(folders: Sequence[Path], among: Collection[str] | None = None) -> "Table":
        """The converged subjects of zoos whose weights are there, or those `among` some hashes. Raises `NotAZoo`."""
        found = [
            (folder, row, number * _CONFIGURATIONS_A_ZOO + row.group)
            for number, folder in enumerate(folders)
            for row in read_index(folder)
            if row.converged and row.row is not None and (among is None or row.subject in among)
        ]
        rows = [row for _, row, _ in found]
        return Table(
            [folder for folder, _, _ in found],
            rows,
            np.array([configuration for _, _, configuration in found], np.int64),
            np.array([row.label for row in rows], np.bool_),
            np.array([0.5 if row.long_accuracy is None else row.long_accuracy for row in rows]),
            np.array([row.config.task.name for row in rows], str),
            np.array([row.config.train_max_length for row in rows], np.int64),
            np.array([row.reserve for row in rows], np.bool_),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def task_weights(self, part: Part) -> NDArray[np.float64]:
        """How much each of some subjects counts, so that a task counts by the square root of its subjects: neither the
        one that has most nor those that have a handful decide; 1 on average."""
        _, which, count = np.unique(self.tasks[part], return_inverse=True, return_counts=True)
        weights = 1 / np.sqrt(count[which])
        normalized: NDArray[np.float64] = weights / weights.mean()
        return normalized

    def blind_units(self, part: Part, heads: int) -> NDArray[np.int64]:
        """What of some subjects is hidden from a head as a whole, `(subjects,)`: their task, so that the head speaks of
        a task that it does not know; where a task has more than a head's share of the subjects, their configuration.
        Configurations alone, if there are too few units for so many heads."""
        _, which, count = np.unique(self.tasks[part], return_inverse=True, return_counts=True)
        own = self.configurations[part]
        units = np.where(count[which] * heads > len(part), own, -1 - which)
        return units if len(np.unique(units)) >= heads else own

    def cohorts(self, numbers: Part, device: torch.device) -> list[Cohort]:
        """Some of the subjects, stacked; a subject's number is its place in the table."""
        cohorts = []
        for folder in dict.fromkeys(self.folders):
            own = np.array([number for number in numbers.tolist() if self.folders[number] == folder], np.int64)
            for cohort in load_cohorts(folder, [self.rows[number] for number in own], device):
                places = own[cohort.numbers.numpy()]
                facts = torch.from_numpy(self.configurations[places]), torch.from_numpy(places)
                cohorts.append(Cohort(cohort.subjects, cohort.labels, cohort.long_accuracy, *facts))
        return cohorts
