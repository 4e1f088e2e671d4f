"""The price of an answer: how good a direct test is with a few labelled formulas, and how many tokens it reads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.experiment.baselines import cross_validated
from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.placed_formulas import placed_formulas
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.length_test import LONG
from probe_sandwich.zoo.shards import IndexRow

FORMULAS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SHORT_FORMULAS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
_REPEATS = 200


class Price(BaseModel):
    """Area under the ROC curve that so many formulas reach, and the tokens that they run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    formulas: int
    tokens: float
    auc: float


class Prices(BaseModel):
    """AUC against tokens, by kind of labelled formula; those on unseen configurations are empty where there are none of
    either label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    long_formulas: list[Price] = []
    short_formulas: list[Price] = []
    short_formulas_at_every_placement: list[Price] = []
    long_formulas_unseen: list[Price] = []

    @property
    def by_title(self) -> dict[str, list[Price]]:
        """What was measured, by its name in print."""
        every = {
            "long formulas": self.long_formulas,
            "short formulas": self.short_formulas,
            "short formulas at every placement": self.short_formulas_at_every_placement,
            "long formulas, unseen configurations": self.long_formulas_unseen,
        }
        return {title: prices for title, prices in every.items() if prices}


def measure_prices(
    known: Zoo,
    unseen: Zoo,
    left_out: set[str],
    folds: Sequence[Fold],
    margins: NDArray[np.float64],
    length: int,
) -> Prices:
    """All prices; `margins (subjects, placements, formulas)` of the known subjects, on formulas of `length` symbols."""
    judged, counted = known.judged(left_out), unseen.judged(left_out)
    both_labels = len(np.unique(unseen.labels[counted])) == 2
    return Prices(
        long_formulas=direct_test_prices(_rows(known, judged), known.labels[judged]),
        short_formulas=short_formula_prices(margins[:, :1], known.labels, folds, judged, length),
        short_formulas_at_every_placement=short_formula_prices(margins, known.labels, folds, judged, length),
        long_formulas_unseen=(
            direct_test_prices(_rows(unseen, counted), unseen.labels[counted]) if both_labels else []
        ),
    )


def direct_test_prices(rows: Sequence[IndexRow], labels: NDArray[np.bool_], seed: int = 0) -> list[Price]:
    """Mean AUC of the accuracy on `k` formulas of (T, 2T], drawn without replacement from each subject's stored
    outcomes (the same that made its label, which favours the direct test where k is large)."""
    rng = np.random.default_rng(seed)
    long = [row.buckets[LONG] for row in rows]
    right = np.array([sum(bucket.correct for bucket in buckets) for buckets in long])
    wrong = np.array([sum(bucket.formulas for bucket in buckets) for buckets in long]) - right
    length = np.mean([(bucket.min_length + bucket.max_length) / 2 for bucket in long[0]])
    prices = []
    for count in FORMULAS:
        found = [auc(rng.hypergeometric(right, wrong, count) / count, labels) for _ in range(_REPEATS)]
        area = float(np.mean([value for value in found if value]))
        prices.append(Price(formulas=count, tokens=float(count * (1 + length)), auc=area))
    return prices


def short_formula_prices(
    margins: NDArray[np.float64],
    labels: NDArray[np.bool_],
    folds: Sequence[Fold],
    judged: NDArray[np.bool_],
    length: int,
) -> list[Price]:
    """AUC out of fold of the placed formulas' baseline with so many of them, by `margins (subjects, placements,
    formulas)`."""
    prices = []
    for count in (count for count in SHORT_FORMULAS if count <= margins.shape[2]):
        probability = cross_validated(placed_formulas(margins[:, :, :count]), labels, folds)
        area = auc(probability[judged], labels[judged]) or 0.5
        prices.append(Price(formulas=count, tokens=count * margins.shape[1] * (1 + length), auc=area))
    return prices


def overtaken_at(prices: Sequence[Price], area: float) -> int | None:
    """The least number of labelled long formulas with which the direct test reaches an AUC."""
    return next((price.formulas for price in prices if price.auc >= area), None)


def _rows(zoo: Zoo, of: NDArray[np.bool_]) -> list[IndexRow]:
    return [zoo.rows[number] for number in np.flatnonzero(of)]
