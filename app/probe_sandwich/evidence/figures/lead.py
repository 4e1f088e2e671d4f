"""How far one method is ahead of another."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import auc, bootstrapped_auc, middle_interval


class Lead(BaseModel):
    """How much larger one method's AUC is than another's on the same subjects, with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auc: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the interval excludes 0, on either side."""
        return self.low > 0 or self.high < 0


def lead(
    score: NDArray[np.float64],
    rival: NDArray[np.float64],
    label: NDArray[np.bool_],
    group: NDArray[np.int64],
    seed: int = 0,
) -> Lead | None:
    """AUC of a score less that of its rival; the interval is a paired bootstrap, both judged on the same drawn
    configurations. None where there is one label only."""
    one, other = auc(score, label), auc(rival, label)
    drawn = bootstrapped_auc(score, label, group, seed) - bootstrapped_auc(rival, label, group, seed)
    low, high = middle_interval(drawn)
    if one is None or other is None or low is None or high is None:
        return None
    return Lead(auc=one - other, low=low, high=high)
