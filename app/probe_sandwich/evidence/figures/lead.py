"""How far one method is ahead of another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import auc, bootstrapped_auc, middle_interval, times_drawn, weighted_auc

_LEAST_TASKS = 5


class Lead(BaseModel):
    """How much larger one method's AUC is than another's on the same subjects, or is within a task on average, with its
    95 % interval."""

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


def lead_within_tasks(
    score: NDArray[np.float64],
    rival: NDArray[np.float64],
    label: NDArray[np.bool_],
    group: NDArray[np.int64],
    parts: Sequence[NDArray[np.bool_]],
    seed: int = 0,
) -> Lead | None:
    """The lead within a task, averaged over tasks whose subjects are `parts (subjects,)` each; the interval is a
    bootstrap over tasks, and over the configurations of each. None where there are fewer than five tasks."""
    leads, drawn = [], []
    for number, part in enumerate(parts):
        some = label[part], group[part], seed + number
        one, other = auc(score[part], label[part]), auc(rival[part], label[part])
        if one is not None and other is not None:
            leads.append(one - other)
            drawn.append(bootstrapped_auc(score[part], *some) - bootstrapped_auc(rival[part], *some))
    if len(leads) < _LEAST_TASKS:
        return None
    by_task = np.stack(drawn)  # (tasks, bootstraps)
    times = np.random.default_rng(seed).integers(len(leads), size=by_task.shape)
    low, high = middle_interval(np.nanmean(np.take_along_axis(by_task, times, axis=0), axis=0))
    if low is None or high is None:
        return None
    return Lead(auc=float(np.mean(leads)), low=low, high=high)


@dataclass(frozen=True)
class Compared:
    """A score and its rival on the subjects of one kind, with what is known of them, `(subjects,)` each."""

    score: NDArray[np.float64]
    rival: NDArray[np.float64]
    label: NDArray[np.bool_]
    group: NDArray[np.int64]


def lead_over_kinds(kinds: Sequence[Compared], seed: int = 0) -> Lead | None:
    """The lead on each kind, averaged over the kinds; the interval is a paired bootstrap in which a configuration is
    drawn as often in every kind that judges it. A kind of one label says nothing; None where there is no other."""
    kinds = [kind for kind in kinds if kind.label.any() and not kind.label.all()]
    if not kinds:
        return None
    _, number = np.unique(np.concatenate([kind.group for kind in kinds]), return_inverse=True)
    times = times_drawn(int(number.max()) + 1, seed)
    each_once = np.vstack([np.ones(times.shape[1]), times])
    ends = np.cumsum([len(kind.group) for kind in kinds])
    leads = [
        weighted_auc(kind.score, kind.label, weights) - weighted_auc(kind.rival, kind.label, weights)
        for kind, places in zip(kinds, np.split(number, ends[:-1]), strict=True)
        for weights in [each_once[:, places]]
    ]
    whole, *drawn = np.mean(leads, axis=0)
    low, high = middle_interval(np.array(drawn))
    if low is None or high is None:
        return None
    return Lead(auc=float(whole), low=low, high=high)
