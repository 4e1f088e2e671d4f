"""Whether a probability can be trusted: intervals, noise, abstaining, and subjects that the zoo does not cover."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import t as student

from probe_sandwich.evidence.experiment.ensemble import first_member_moments, whole_ensemble
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.abstaining import Abstaining, Withholding
from probe_sandwich.evidence.figures.calibration import CoveragePoint
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.sandwich.prediction import LEVEL, Prediction, spread_interval
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.zoo.cohorts import Cohort

NOISE_SEEDS = (1, 2, 3)
_HELD_OUT_SHARE, _SPLIT_SEED = 0.2, 17


class NoiseSpread(BaseModel):
    """How far a probability moves, and how often a verdict turns, when the noise is drawn anew."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: int
    standard_deviation: float
    largest_range: float
    verdicts_that_turn: float


class UnseenTrust(BaseModel):
    """Measured on subjects that no member has seen: how often an interval from all members but one holds the one left
    out, what new noise changes, and what abstaining is worth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_coverage: float | None
    interval_subjects: int
    noise: NoiseSpread
    abstaining: Abstaining


class Trust(BaseModel):
    """Whether a probability can be trusted. `unlike_the_other_schemes`: by position scheme, the share of its subjects
    outside a support that was fitted on the other schemes alone; `strangers`: by what is strange about them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk_coverage: list[CoveragePoint]
    unlike_the_other_schemes: dict[str, float]
    unseen: UnseenTrust | None
    strangers: dict[str, Withholding]


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


def noise_spread(meta: MetaClassifier, zoo: Zoo, first: Prediction, device: torch.device) -> NoiseSpread:
    """The spread over several seeds of the noise; `first` is the prediction with the usual one."""
    others = [whole_ensemble(meta, zoo, device, seed).probability for seed in NOISE_SEEDS]
    every = np.stack([first.probability, *others])  # (seeds, subjects)
    verdicts = every >= meta.card.threshold
    return NoiseSpread(
        seeds=len(every),
        standard_deviation=float(every.std(axis=0, ddof=1).mean()),
        largest_range=float((every.max(axis=0) - every.min(axis=0)).max()),
        verdicts_that_turn=float((verdicts != verdicts[0]).any(axis=0).mean()),
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
