"""Figures of the universal meta-classifier, kind by kind of what was left out of the training."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import auc, bootstrapped_auc, middle_interval, within_configuration_auc
from probe_sandwich.evidence.figures.calibration import calibration_error
from probe_sandwich.evidence.figures.metrics import Lead, lead
from probe_sandwich.files import write_atomically

FILE = "evidence.json"
_THRESHOLD = 0.5
_LEAST_OF_A_LABEL = 5
"""Subjects of either label that a task needs for an AUC of its own."""


class TaskFigures(BaseModel):
    """One method on the judged subjects of one task; no AUC where a label has fewer than five of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int
    auc: float | None


class MethodFigures(BaseModel):
    """One method on all that a kind of split judges. `mean_task_auc` and `least_task_auc` are over the tasks that have
    an AUC; `sandwich_lead` is the sandwich's pooled AUC less this one's, paired."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auc: float | None
    auc_low: float | None
    auc_high: float | None
    mean_task_auc: float | None
    least_task_auc: float | None
    within_configuration_auc: float | None
    within_configuration_pairs: int
    calibration_error: float | None
    accuracy: float | None
    tasks: dict[str, TaskFigures]
    sandwich_lead: Lead | None


class Answered(BaseModel):
    """What abstaining would do: the share of the subjects that lie within the support, and the share of right verdicts
    among them, and among all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float
    accuracy: float | None
    accuracy_of_all: float

    @staticmethod
    def of(inside: NDArray[np.bool_], right: NDArray[np.bool_]) -> "Answered":
        """From what is inside and what is right, `(judged,)` each."""
        accuracy = float(right[inside].mean()) if inside.any() else None
        return Answered(share=float(inside.mean()), accuracy=accuracy, accuracy_of_all=float(right.mean()))


class KindFigures(BaseModel):
    """What was left out of the training, how many subjects were judged, and what each method made of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int
    configurations: int
    answered: Answered
    answered_by_task: dict[str, Answered]
    methods: dict[str, MethodFigures]


class UniversalEvidence(BaseModel):
    """All figures, by kind."""

    model_config = ConfigDict(extra="forbid")

    kinds: dict[str, KindFigures]
    converged_by_task: dict[str, int]
    generalizers_by_task: dict[str, int]


def measure_kind(
    scores: dict[str, NDArray[np.float64]],
    inside: NDArray[np.bool_],
    calibrated: frozenset[str],
    sandwich: str,
    labels: NDArray[np.bool_],
    configurations: NDArray[np.int64],
    tasks: NDArray[np.str_],
) -> KindFigures:
    """Figures of methods whose scores `(judged,)` are of the same subjects; `inside (judged,)` tells which of them a
    service would answer."""
    right = (scores[sandwich] >= _THRESHOLD) == labels
    methods = {
        name: _measure(
            score,
            labels,
            configurations,
            tasks,
            None if name == sandwich else lead(scores[sandwich], score, labels, configurations),
            calibrated=name in calibrated,
        )
        for name, score in scores.items()
    }
    return KindFigures(
        subjects=len(labels),
        positives=int(labels.sum()),
        configurations=len(np.unique(configurations)),
        answered=Answered.of(inside, right),
        answered_by_task={
            str(task): Answered.of(inside[tasks == task], right[tasks == task]) for task in np.unique(tasks)
        },
        methods=methods,
    )


def _measure(
    score: NDArray[np.float64],
    labels: NDArray[np.bool_],
    configurations: NDArray[np.int64],
    tasks: NDArray[np.str_],
    sandwich_lead: Lead | None,
    *,
    calibrated: bool,
) -> MethodFigures:
    low, high = middle_interval(bootstrapped_auc(score, labels, configurations, 0))
    within, pairs = within_configuration_auc(score, labels, configurations)
    by_task = {str(task): _of_task(score[tasks == task], labels[tasks == task]) for task in np.unique(tasks)}
    areas = [figures.auc for figures in by_task.values() if figures.auc is not None]
    return MethodFigures(
        auc=auc(score, labels),
        auc_low=low,
        auc_high=high,
        mean_task_auc=float(np.mean(areas)) if areas else None,
        least_task_auc=min(areas, default=None),
        within_configuration_auc=within,
        within_configuration_pairs=pairs,
        calibration_error=calibration_error(score, labels) if calibrated else None,
        accuracy=float(np.mean((score >= _THRESHOLD) == labels)) if calibrated else None,
        tasks=by_task,
        sandwich_lead=sandwich_lead,
    )


def _of_task(score: NDArray[np.float64], labels: NDArray[np.bool_]) -> TaskFigures:
    enough = min(labels.sum(), (~labels).sum()) >= _LEAST_OF_A_LABEL
    return TaskFigures(subjects=len(labels), positives=int(labels.sum()), auc=auc(score, labels) if enough else None)


def write_universal_evidence(folder: Path, evidence: UniversalEvidence) -> None:
    """Write the figures beside the weights."""
    write_atomically(folder / FILE, (evidence.model_dump_json(indent=2) + "\n").encode())
