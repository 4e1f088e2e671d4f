"""The price of an answer: how good the direct test is with a few labelled long formulas, and what each way costs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.agreement import AGREEMENT, AGREEMENT_TREES, PLACEMENTS
from probe_sandwich.evidence.agreement import FORMULAS as AGREEMENT_FORMULAS
from probe_sandwich.evidence.arms import (
    CONTROLS,
    LONGER_PROBES,
    NOISE_PROBES,
    NOT_TRAINED,
    REAL_FORMULAS,
    SANDWICH,
    USUAL_PLACES,
)
from probe_sandwich.evidence.baselines import (
    AS_MANY_PLACED_FORMULAS,
    CONFIGURATION,
    FLATTENED_WEIGHTS,
    HYBRID,
    IN_DISTRIBUTION,
    PLACED_FORMULAS,
    WEIGHT_STATISTICS,
    out_of_fold,
    placed_formulas,
)
from probe_sandwich.evidence.folds import Fold
from probe_sandwich.evidence.metrics import auc
from probe_sandwich.evidence.rivals import PROBES
from probe_sandwich.length_test import LONG
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.zoo.shards import IndexRow

FORMULAS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SHORT_FORMULAS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
_REPEATS = 200
LONG_FORMULAS, LONG_FORMULAS_UNSEEN = "long formulas", "long formulas, unseen configurations"
SHORT, SHORT_PLACED = "short formulas", "short formulas at every placement"


class Price(BaseModel):
    """Area under the ROC curve of what so many formulas tell, and the tokens that they run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    formulas: int
    tokens: float
    auc: float


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
    """AUC out of fold of what so many formulas of T symbols tell, by `margins (subjects, placements, formulas)`."""
    prices = []
    for count in (count for count in SHORT_FORMULAS if count <= margins.shape[2]):
        probability = out_of_fold(placed_formulas(margins[:, :, :count]), labels, folds)
        area = auc(probability[judged], labels[judged]) or 0.5
        prices.append(Price(formulas=count, tokens=count * margins.shape[1] * (1 + length), auc=area))
    return prices


def sandwich_tokens(config: SandwichConfig, members: int, draws: int) -> int:
    """Tokens that one diagnosis runs through the subject."""
    return members * draws * config.probes * (1 + len(config.placements)) * (1 + config.probe_length)


def tokens_of_methods(
    config: SandwichConfig, train_max_length: int, label_formulas: int, members: int
) -> dict[str, int]:
    """Tokens that one answer of each method runs through the subject; of the sandwich and its arms one member's, as out
    of fold. `label_formulas`: what an in-distribution accuracy is measured on; `members`: of the whole ensemble."""
    usual = config.model_copy(update={"placements": ()})
    placed, at_usual_places = (sandwich_tokens(one, 1, DRAWS) for one in (config, usual))
    longer = sandwich_tokens(usual.model_copy(update={"probe_length": 2 * config.probe_length}), 1, DRAWS)
    measured = round(label_formulas * (1 + (1 + train_max_length) / 2))
    agreement = AGREEMENT_FORMULAS * (1 + len(PLACEMENTS)) * (1 + train_max_length)
    return {
        **dict.fromkeys(CONTROLS, placed),
        SANDWICH: placed,
        NOT_TRAINED: placed,
        NOISE_PROBES: placed,
        REAL_FORMULAS: placed,
        f"{REAL_FORMULAS}_usual_places": at_usual_places,
        USUAL_PLACES: at_usual_places,
        LONGER_PROBES: longer,
        f"longer_{REAL_FORMULAS}": longer,
        PLACED_FORMULAS: sandwich_tokens(config, 1, 1),
        AS_MANY_PLACED_FORMULAS: sandwich_tokens(config, members, DRAWS),
        AGREEMENT: agreement,
        AGREEMENT_TREES: agreement,
        CONFIGURATION: 0,
        WEIGHT_STATISTICS: 0,
        FLATTENED_WEIGHTS: 0,
        IN_DISTRIBUTION: measured,
        f"{CONFIGURATION}_and_{IN_DISTRIBUTION}": measured,
        HYBRID: placed,
        **{name: probes * (1 + train_max_length) for name, probes in PROBES.items()},
    }


def overtaken_at(prices: Sequence[Price], area: float) -> int | None:
    """The least number of labelled long formulas with which the direct test reaches an AUC."""
    return next((price.formulas for price in prices if price.auc >= area), None)
