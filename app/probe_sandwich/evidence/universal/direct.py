"""What a direct test of so many tokens would have told, beside questions that need no labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import areas
from probe_sandwich.length_test import LONG
from probe_sandwich.zoo.shards import IndexRow

_DRAWS = 200


class DirectPoint(BaseModel):
    """A direct test with so many labelled inputs of (T, 2T], drawn from each subject's stored outcomes: the same that
    made its label, which flatters it where they are many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    formulas: int
    tokens: float
    auc: float


def direct_point(rows: Sequence[IndexRow], labels: NDArray[np.bool_], tokens: float) -> DirectPoint:
    """The mean over many draws of the direct test's AUC at the number of tokens."""
    count, one = _formulas(rows, tokens)
    found = areas(direct_draws(rows, tokens, _DRAWS), labels)
    return DirectPoint(formulas=count, tokens=count * one, auc=float(found.mean()))


def direct_draws(rows: Sequence[IndexRow], tokens: float, draws: int, seed: int = 0) -> NDArray[np.float64]:
    """Accuracies on as many inputs as the number of tokens has room for, drawn anew each time, `(draws, subjects)`."""
    rng = np.random.default_rng(seed)
    right = np.array([sum(bucket.correct for bucket in row.buckets[LONG]) for row in rows])
    wrong = np.array([sum(bucket.formulas for bucket in row.buckets[LONG]) for row in rows]) - right
    count, _ = _formulas(rows, tokens)
    return np.stack([rng.hypergeometric(right, wrong, count) / count for _ in range(draws)])


def _formulas(rows: Sequence[IndexRow], tokens: float) -> tuple[int, float]:
    """How many inputs have so many tokens, and how many one has."""
    one = 1 + float(np.mean([(bucket.min_length + bucket.max_length) / 2 for bucket in rows[0].buckets[LONG]]))
    return max(1, round(tokens / one)), one
