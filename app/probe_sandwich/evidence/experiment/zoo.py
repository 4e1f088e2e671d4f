"""The subjects that an experiment is about: the converged ones of a zoo."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.folds import Fold, make_folds
from probe_sandwich.sandwich.config import SandwichTraining
from probe_sandwich.zoo.shards import IndexRow


@dataclass(frozen=True)
class Zoo:
    """What an experiment needs of a zoo: its converged subjects, and arrays `(subjects,)` of them.

    `groups` are the numbers of their configurations; `configurations` are all such numbers, of those as well of which
    nothing converged.
    """

    folder: Path
    rows: list[IndexRow]
    labels: NDArray[np.bool_]
    long_accuracy: NDArray[np.float64]
    groups: NDArray[np.int64]
    schemes: NDArray[np.str_]
    configurations: NDArray[np.int64]

    @staticmethod
    def of(folder: Path, rows: Sequence[IndexRow]) -> "Zoo":
        """The converged ones among some rows."""
        converged = [row for row in rows if row.converged]
        return Zoo(
            folder,
            converged,
            np.array([row.label for row in converged], dtype=bool),
            np.array([0.5 if row.long_accuracy is None else row.long_accuracy for row in converged]),
            np.array([row.group for row in converged], dtype=np.int64),
            np.array([row.scheme.value for row in converged], dtype=str),
            np.unique([row.group for row in rows]),
        )

    def judged(self, left_out: Collection[str]) -> NDArray[np.bool_]:
        """Which subjects count in figures, `(subjects,)`: those of schemes that are not left out."""
        return ~np.isin(self.schemes, list(left_out))

    def folds(self, training: SandwichTraining) -> list[Fold]:
        """The folds of the ensemble's members: the same ones for the same zoo and settings."""
        return make_folds(self.groups, self.configurations, training.folds, training.seed)
