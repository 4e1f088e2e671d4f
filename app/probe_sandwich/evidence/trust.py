"""Whether a probability can be trusted: intervals, abstaining, and subjects that the zoo does not cover."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import t as student

from probe_sandwich.evidence.ensemble import first_member_moments, whole_ensemble
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.sandwich.cohorts import Cohort
from probe_sandwich.sandwich.meta_classifier import LEVEL, MetaClassifier, Prediction, spread_interval
from probe_sandwich.sandwich.support import fit_support

COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
NOISE_SEEDS = (1, 2, 3)
_HELD_OUT_SHARE, _SPLIT_SEED = 0.2, 17


class Told(BaseModel):
    """What some subjects are told: how many there are, and the shares whose responses are unlike the zoo's, of which
    members are of two minds, and of which either holds, so that the sandwich abstains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    unlike: float
    split: float
    abstain: float


def student_quantile(members: int) -> float:
    """Of Student's t, for an interval that holds one more member with probability `LEVEL`."""
    return float(student.ppf((1 + LEVEL) / 2, members - 1))


def coverage(members: NDArray[np.float64]) -> float | None:
    """How often the interval from all members but one holds the one left out, of probabilities `(members, subjects)` of
    subjects that no member has seen: what the interval of a diagnosis claims for one more member. None for fewer than
    three members."""
    if len(members) < 3:
        return None
    held = []
    for number, left_out in enumerate(members):
        others = np.delete(members, number, axis=0)
        low, high = spread_interval(others, student_quantile(len(others)))
        held.append((low <= left_out) & (left_out <= high))
    return float(np.mean(held))


def noise_spread(meta: MetaClassifier, zoo: Zoo, first: Prediction, device: torch.device) -> dict[str, float]:
    """How far a probability moves, and how often a verdict turns, when the noise is drawn anew."""
    others = [whole_ensemble(meta, zoo, device, seed).probability for seed in NOISE_SEEDS]
    every = np.stack([first.probability, *others])
    verdicts = every >= meta.card.threshold
    return {
        "seeds": len(every),
        "standard_deviation": float(every.std(axis=0, ddof=1).mean()),
        "largest_range": float((every.max(axis=0) - every.min(axis=0)).max()),
        "verdicts_that_turn": float((verdicts != verdicts[0]).any(axis=0).mean()),
    }


def risk_coverage(
    probability: NDArray[np.float64], labels: NDArray[np.bool_], threshold: float
) -> list[dict[str, float]]:
    """Accuracy among the surest of the subjects, for several shares of them (El-Yaniv & Wiener 2010)."""
    surest = np.argsort(-np.abs(probability - threshold), kind="stable")
    right = ((probability >= threshold) == labels)[surest]
    return [{"coverage": share, "accuracy": float(right[: round(share * len(right))].mean())} for share in COVERAGES]


def abstaining(
    predictions: Sequence[Prediction], labels: NDArray[np.bool_], threshold: float
) -> dict[str, float | None]:
    """Accuracy of the verdicts on some zoos' subjects, one zoo after the other, with and without those withheld."""
    withheld = np.concatenate([one.unlike | one.split(threshold) for one in predictions])
    right = (np.concatenate([one.probability for one in predictions]) >= threshold) == labels

    def share(of: NDArray[np.bool_]) -> float | None:
        return float(right[of].mean()) if of.any() else None

    return {
        "subjects": len(labels),
        "withheld": float(withheld.mean()),
        "accuracy": share(np.ones_like(withheld)),
        "accuracy_where_told": share(~withheld),
        "accuracy_where_withheld": share(withheld),
    }


def told(prediction: Prediction, threshold: float) -> Told:
    """What subjects are told. One whose responses are not finite counts as unlike the zoo."""
    unlike, split = prediction.unlike, prediction.split(threshold)
    return Told(
        subjects=len(unlike),
        unlike=float(unlike.mean()),
        split=float(split.mean()),
        abstain=float((unlike | split).mean()),
    )


def scheme_unlike_the_others(meta: MetaClassifier, zoo: Zoo, cohorts: Sequence[Cohort]) -> dict[str, float]:
    """By position scheme, the share of its subjects outside a support that was fitted on the other schemes alone."""
    moments = np.zeros((len(zoo.rows), len(meta.members[0].support.centre)))
    for cohort in cohorts:
        moments[cohort.numbers.numpy()] = first_member_moments(meta, cohort.subjects)
    order = np.random.default_rng(_SPLIT_SEED)
    found = {}
    for scheme in np.unique(zoo.schemes):
        of_scheme = zoo.schemes == scheme
        groups = order.permutation(np.unique(zoo.groups[~of_scheme]))
        held_out = ~of_scheme & np.isin(zoo.groups, groups[: round(_HELD_OUT_SHARE * len(groups))])
        support = fit_support(moments[~of_scheme & ~held_out], moments[held_out])
        distances = support.distance(torch.tensor(moments[of_scheme], dtype=torch.float32)).numpy()
        found[str(scheme)] = float((distances > support.limit).mean())
    return found
