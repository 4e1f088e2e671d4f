"""Every kind of subject, judged by what was fitted without it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.universal.ensemble import ensemble_probability
from probe_sandwich.evidence.universal.figures import KindFigures, UniversalEvidence, measure_kind
from probe_sandwich.evidence.universal.methods import BARE, METHODS, SANDWICH, Recordings, Rivals
from probe_sandwich.evidence.universal.part import (
    Split,
    by_configuration,
    length_left_out,
    size_left_out,
    task_left_out,
)
from probe_sandwich.evidence.universal.settings import TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member

UNSEEN, TASK, LENGTH, SIZE = "unseen configurations", "task left out", "T left out", "size left out"
RESERVE = "reserve"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """The splits of one kind, which of all that they judge a service would answer, and each method's scores of them."""

    splits: list[Split]
    inside: NDArray[np.bool_]
    scores: dict[str, NDArray[np.float64]]

    @property
    def test(self) -> NDArray[np.int64]:
        """Places in the table of the judged subjects."""
        return np.concatenate([split.test for split in self.splits])


def evaluate_universal(
    table: Table,
    recordings: Recordings,
    members: Sequence[Member],
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
    progress: Progress = lambda stage: None,
) -> UniversalEvidence:
    """Every kind of split, judged by what was fitted without what it leaves out; and the whole ensemble on the reserve,
    which none of its members saw."""
    rivals = Rivals.of(table, recordings, config)
    kinds = {
        UNSEEN: by_configuration(table, training.folds, training.seed),
        TASK: task_left_out(table),
        LENGTH: length_left_out(table),
        SIZE: size_left_out(table),
    }
    found: dict[str, KindFigures] = {}
    for kind, splits in kinds.items():
        if splits:
            judged = _judge(rivals, splits, config, training, progress, controls=kind == UNSEEN)
            found[kind] = _figures(table, judged)
    if table.reserve.any():
        progress(RESERVE)
        found[RESERVE] = _figures(table, _judge_reserve(rivals, members, config, training))
    return UniversalEvidence(
        kinds=found,
        converged_by_task=dict(sorted(Counter(table.tasks.tolist()).items())),
        generalizers_by_task=dict(sorted(Counter(table.tasks[table.labels].tolist()).items())),
    )


def _judge(
    rivals: Rivals,
    splits: Sequence[Split],
    config: SandwichConfig,
    training: SandwichTraining,
    progress: Progress,
    *,
    controls: bool,
) -> Judged:
    parts = []
    for number, split in enumerate(splits):
        progress(split.name)
        scores = rivals.scores(split, config, training, number)
        if controls:
            scores |= rivals.control_scores(split, config, training, number)
        parts.append(scores)
    inside = np.concatenate([rivals.alike(split, number) for number, split in enumerate(splits)])
    return Judged(list(splits), inside, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _judge_reserve(
    rivals: Rivals, members: Sequence[Member], config: SandwichConfig, training: SandwichTraining
) -> Judged:
    reserve = rivals.table.reserve
    split = Split(RESERVE, np.flatnonzero(~reserve), np.flatnonzero(reserve))
    scores = rivals.scores(split, config, training, 0)
    scores[SANDWICH] = ensemble_probability(members, rivals.recordings.judging, split.test)
    scores[BARE] = ensemble_probability(members, rivals.recordings.bare, split.test)
    return Judged([split], rivals.alike(split, 0), scores)


def _figures(table: Table, judged: Judged) -> KindFigures:
    test = judged.test
    calibrated = frozenset(method.name for method in METHODS if method.calibrated)
    return measure_kind(
        judged.scores,
        judged.inside,
        calibrated,
        SANDWICH,
        table.labels[test],
        table.configurations[test],
        table.tasks[test],
    )
