"""What a direct test of so many tokens would have told, beside questions that need no labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import auc
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


def direct_point(rows: Sequence[IndexRow], labels: NDArray[np.bool_], tokens: float, seed: int = 0) -> DirectPoint:
    """The mean over many draws of the direct test's AUC at the number of tokens."""
    rng = np.random.default_rng(seed)
    buckets = [row.buckets[LONG] for row in rows]
    right = np.array([sum(bucket.correct for bucket in long) for long in buckets])
    wrong = np.array([sum(bucket.formulas for bucket in long) for long in buckets]) - right
    one = 1 + float(np.mean([(bucket.min_length + bucket.max_length) / 2 for bucket in buckets[0]]))
    count = max(1, round(tokens / one))
    areas = [auc(rng.hypergeometric(right, wrong, count) / count, labels) for _ in range(_DRAWS)]
    return DirectPoint(formulas=count, tokens=count * one, auc=float(np.array(areas, np.float64).mean()))
