"""How far one method is ahead of another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import areas, bootstrapped_auc, middle_interval, times_drawn, weighted_auc

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
    """AUC of a score less that of its rival, of subjects `(subjects,)`, or of one draw, on average over `(draws,
    subjects)`; the interval is a paired bootstrap, both judged on the same drawn configurations. None where there is
    one label only."""
    found = _difference(score, rival, label, group, seed)
    return None if found is None else _lead(*found)


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
    found = [
        _difference(score[..., part], rival[..., part], label[part], group[part], seed + number)
        for number, part in enumerate(parts)
    ]
    known = [one for one in found if one is not None]
    if len(known) < _LEAST_TASKS:
        return None
    leads = [difference for difference, _ in known]
    by_task = np.stack([drawn for _, drawn in known])  # (tasks, bootstraps)
    times = np.random.default_rng(seed).integers(len(leads), size=by_task.shape)
    drawn = np.take_along_axis(by_task, times, axis=0)
    # A task of few configurations may be drawn with one label only.
    counts = (~np.isnan(drawn)).sum(axis=0)
    means = np.divide(np.nansum(drawn, axis=0), counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return _lead(float(np.mean(leads)), means)


def _difference(
    score: NDArray[np.float64],
    rival: NDArray[np.float64],
    label: NDArray[np.bool_],
    group: NDArray[np.int64],
    seed: int,
) -> tuple[float, NDArray[np.float64]] | None:
    """The difference in AUC, and in each of the bootstraps."""
    if label.all() or not label.any():
        return None
    one, other = (np.atleast_2d(arm) for arm in (score, rival))
    drawn = [np.mean([bootstrapped_auc(draw, label, group, seed) for draw in arm], axis=0) for arm in (one, other)]
    return float(areas(one, label).mean() - areas(other, label).mean()), drawn[0] - drawn[1]


def _lead(difference: float, drawn: NDArray[np.float64]) -> Lead | None:
    low, high = middle_interval(drawn)
    return None if low is None or high is None else Lead(auc=difference, low=low, high=high)


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
    return _lead(float(whole), np.array(drawn))
