"""Figures of the universal meta-classifier, kind by kind of what was left out of the training."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import (
    auc,
    bootstrapped_auc,
    middle_interval,
    within_configuration_auc,
    within_configuration_interval,
)
from probe_sandwich.evidence.figures.calibration import calibration_error
from probe_sandwich.evidence.figures.lead import Lead, lead, lead_within_tasks
from probe_sandwich.evidence.universal.choosing import bootstrapped, closed, closed_interval, gaps
from probe_sandwich.evidence.universal.settings import THRESHOLD
from probe_sandwich.files import write_atomically

FILE = "evidence.json"
_LEAST_OF_A_LABEL = 5
"""Subjects of either label that a task needs for an AUC of its own."""


@dataclass(frozen=True)
class Facts:
    """What is known of the judged subjects, `(judged,)` each."""

    labels: NDArray[np.bool_]
    long_accuracy: NDArray[np.float64]
    configurations: NDArray[np.int64]
    tasks: NDArray[np.str_]

    def select(self, some: NDArray[np.bool_]) -> "Facts":
        """Some of the subjects."""
        return Facts(self.labels[some], self.long_accuracy[some], self.configurations[some], self.tasks[some])


class TaskFigures(BaseModel):
    """One method on the judged subjects of one task; no AUC where a label has fewer than five of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int
    auc: float | None


class GapLead(BaseModel):
    """How much more of the gap one method closes than another, with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    closed: float
    low: float
    high: float


class MethodFigures(BaseModel):
    """One method on all that a kind of split judges. `mean_task_auc` and `least_task_auc` are over the tasks that have
    an AUC; `gap_closed` is the share of the gap from a random seed of a configuration to its best one that choosing by
    the method closes. A lead is the sandwich's figure less this one's, paired over configurations; `task_lead` is that
    of the mean over tasks, paired over tasks and their configurations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auc: float | None
    auc_low: float | None
    auc_high: float | None
    mean_task_auc: float | None
    least_task_auc: float | None
    within_configuration_auc: float | None
    within_configuration_low: float | None
    within_configuration_high: float | None
    within_configuration_pairs: int
    gap_closed: float | None
    gap_closed_low: float | None
    gap_closed_high: float | None
    gap_configurations: int
    calibration_error: float | None
    accuracy: float | None
    tasks: dict[str, TaskFigures]
    sandwich_lead: Lead | None
    task_lead: Lead | None
    gap_lead: GapLead | None


class AnsweredShare(BaseModel):
    """What abstaining does: the share of the subjects that get a verdict, and the share of right verdicts among them,
    and among all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float
    accuracy: float | None
    accuracy_of_all: float

    @staticmethod
    def of(answered: NDArray[np.bool_], right: NDArray[np.bool_]) -> "AnsweredShare":
        """From what is answered and what is right, `(judged,)` each."""
        accuracy = float(right[answered].mean()) if answered.any() else None
        return AnsweredShare(share=float(answered.mean()), accuracy=accuracy, accuracy_of_all=float(right.mean()))


class KindFigures(BaseModel):
    """What was left out of the training, how many subjects were judged, and what each method made of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int
    configurations: int
    answered: AnsweredShare
    answered_by_task: dict[str, AnsweredShare]
    methods: dict[str, MethodFigures]


class LearningPoint(BaseModel):
    """Readouts trained on so many tasks, each judged on all tasks that it did not see: medians over the draws of
    tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: int
    draws: int
    auc: float | None
    mean_task_auc: float | None
    accuracy: float
    calibration_error: float


class UniversalEvidence(BaseModel):
    """All figures, by kind. `least_confidence`: from which distance to 0.5 on a verdict is given on a task that the
    training did not see. `sure_by_task`: of unseen configurations, the verdicts that are so sure. `leads_elsewhere`: by
    rival, the sandwich's lead in AUC on what is left out, averaged over these kinds. `other_cuts`: by kind, the AUC of
    the sandwich where a generalizer is one of other accuracies on (T, 2T]."""

    model_config = ConfigDict(extra="forbid")

    kinds: dict[str, KindFigures]
    learning_curve: list[LearningPoint]
    least_confidence: float | None
    sure_by_task: dict[str, AnsweredShare]
    leads_elsewhere: dict[str, Lead]
    other_cuts: dict[str, dict[float, float | None]]
    converged_by_task: dict[str, int]
    generalizers_by_task: dict[str, int]


def measure_kind(
    scores: Mapping[str, NDArray[np.float64]],
    answered: NDArray[np.bool_],
    calibrated: frozenset[str],
    sandwich: str,
    facts: Facts,
) -> KindFigures:
    """Figures of methods whose scores `(judged,)` are of the same subjects; `answered (judged,)` tells which of them
    get a verdict."""
    right = (scores[sandwich] >= THRESHOLD) == facts.labels
    rivals = {name: None if name == sandwich else scores[sandwich] for name in scores}
    return KindFigures(
        subjects=len(facts.labels),
        positives=int(facts.labels.sum()),
        configurations=len(np.unique(facts.configurations)),
        answered=AnsweredShare.of(answered, right),
        answered_by_task=answered_by_task(answered, right, facts.tasks),
        methods={
            name: _measure(score, rivals[name], facts, calibrated=name in calibrated) for name, score in scores.items()
        },
    )


def answered_by_task(
    answered: NDArray[np.bool_], right: NDArray[np.bool_], tasks: NDArray[np.str_]
) -> dict[str, AnsweredShare]:
    """What abstaining does to each task, from what is answered and what is right, `(judged,)` each."""
    return {
        str(task): AnsweredShare.of(answered[tasks == task], right[tasks == task]) for task in np.unique(tasks).tolist()
    }


def task_aucs(score: NDArray[np.float64], facts: Facts) -> list[float]:
    """AUC within each task that has enough subjects of either label."""
    return [figures.auc for figures in _by_task(score, facts).values() if figures.auc is not None]


def _measure(
    score: NDArray[np.float64], sandwich: NDArray[np.float64] | None, facts: Facts, *, calibrated: bool
) -> MethodFigures:
    """`sandwich`: the scores that this method's are compared with."""
    labels, configurations = facts.labels, facts.configurations
    low, high = middle_interval(bootstrapped_auc(score, labels, configurations, 0))
    within, pairs = within_configuration_auc(score, labels, configurations)
    within_low, within_high = within_configuration_interval(score, labels, configurations, 0)
    own_gaps = gaps(score, facts.long_accuracy, configurations)
    gap_low, gap_high = closed_interval(own_gaps)
    by_task = _by_task(score, facts)
    areas = {task: figures.auc for task, figures in by_task.items() if figures.auc is not None}
    return MethodFigures(
        auc=auc(score, labels),
        auc_low=low,
        auc_high=high,
        mean_task_auc=float(np.mean(list(areas.values()))) if areas else None,
        least_task_auc=min(areas.values(), default=None),
        within_configuration_auc=within,
        within_configuration_low=within_low,
        within_configuration_high=within_high,
        within_configuration_pairs=pairs,
        gap_closed=closed(own_gaps),
        gap_closed_low=gap_low,
        gap_closed_high=gap_high,
        gap_configurations=len(own_gaps),
        calibration_error=calibration_error(score, labels) if calibrated else None,
        accuracy=float(np.mean((score >= THRESHOLD) == labels)) if calibrated else None,
        tasks=by_task,
        sandwich_lead=None if sandwich is None else lead(sandwich, score, labels, configurations),
        task_lead=None if sandwich is None else _task_lead(sandwich, score, facts, areas),
        gap_lead=None if sandwich is None else _gap_lead(gaps(sandwich, facts.long_accuracy, configurations), own_gaps),
    )


def _task_lead(
    sandwich: NDArray[np.float64], rival: NDArray[np.float64], facts: Facts, tasks: Iterable[str]
) -> Lead | None:
    parts = [facts.tasks == task for task in tasks]
    return lead_within_tasks(sandwich, rival, facts.labels, facts.configurations, parts)


def _gap_lead(sandwich: NDArray[np.float64], rival: NDArray[np.float64]) -> GapLead | None:
    one, other = closed(sandwich), closed(rival)
    low, high = middle_interval(bootstrapped(sandwich) - bootstrapped(rival))
    if one is None or other is None or low is None or high is None:
        return None
    return GapLead(closed=one - other, low=low, high=high)


def _by_task(score: NDArray[np.float64], facts: Facts) -> dict[str, TaskFigures]:
    tasks = facts.tasks
    return {str(task): _of_task(score[tasks == task], facts.labels[tasks == task]) for task in np.unique(tasks)}


def _of_task(score: NDArray[np.float64], labels: NDArray[np.bool_]) -> TaskFigures:
    enough = min(labels.sum(), (~labels).sum()) >= _LEAST_OF_A_LABEL
    return TaskFigures(subjects=len(labels), positives=int(labels.sum()), auc=auc(score, labels) if enough else None)


def write_universal_evidence(folder: Path, evidence: UniversalEvidence) -> None:
    """Write the figures beside the weights."""
    write_atomically(folder / FILE, (evidence.model_dump_json(indent=2) + "\n").encode())
