"""What an ensemble of readouts says of subjects: probabilities, intervals, and how far they lie from the zoo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.9
"""How often the interval beside a probability is to hold what one more member would say."""
_EDGE = 1e-6
_SPLIT_SHARE = 0.25


@dataclass(frozen=True)
class Prediction:
    """What the ensemble says of each subject, arrays `(models,)`; `members (members, models)` is what each member says.

    `low` and `high` are where nine in ten further members, trained on other parts of the zoo and reading other noise,
    are to be expected (`spread_interval`). `unlikeness` is the distance from the zoo in units of the limit, so that
    over 1 is outside; `farthest` is the moment (`moment_name`) that lies farthest, and `deviation` how far, in standard
    deviations of the zoo. `moved` is true where a subject's responses to any probe change with its placement.
    """

    probability: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    unlikeness: NDArray[np.float64]
    members: NDArray[np.float64]
    farthest: NDArray[np.int64]
    deviation: NDArray[np.float64]
    moved: NDArray[np.bool_]

    def split(self, threshold: float) -> NDArray[np.bool_]:
        """True where more than a quarter of the members disagree with the ensemble's verdict."""
        against = (self.members >= threshold) != (self.probability >= threshold)
        split: NDArray[np.bool_] = against.mean(axis=0) > _SPLIT_SHARE
        return split


def spread_interval(
    members: NDArray[np.float64], student_quantile: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where one more member that reads as many other draws is to be expected, from the probabilities `(members, draws,
    models)` of some: Student's prediction interval on the log-odds.

    All members read the same draws, so that what the draws do to all of them together is no part of the members'
    spread; of a single draw it cannot be told.
    """
    inside = np.clip(members, _EDGE, 1 - _EDGE)
    log_odds = np.log(inside / (1 - inside))
    variance = log_odds.mean(axis=1).var(axis=0, ddof=1) * (1 + 1 / len(members))
    draws = members.shape[1]
    if draws > 1:
        variance += log_odds.mean(axis=0).var(axis=0, ddof=1) * 2 / draws
    middle, half = log_odds.mean(axis=(0, 1)), student_quantile * np.sqrt(variance)
    return 1 / (1 + np.exp(half - middle)), 1 / (1 + np.exp(-half - middle))


def student_quantile(members: int) -> float:
    """That of Student's t which `spread_interval` needs to hold one member more than so many."""
    from scipy.stats import t  # noqa: PLC0415 - as only training needs it: the service starts a second sooner

    return float(t.ppf((1 + LEVEL) / 2, members - 1))
