"""What was measured on each kind of subject, as a card keeps it to decide where verdicts are given."""

from collections.abc import Mapping
from dataclasses import dataclass

from probe_sandwich.evidence.universal.figures import AnsweredShare, KindFigures
from probe_sandwich.evidence.universal.methods import SANDWICH
from probe_sandwich.sandwich.card import LEAST_ACCURACY, KindRecord


@dataclass(frozen=True)
class KindRecords:
    """Of the zoo's tasks, on configurations left out; and of tasks that were left out, if there are enough."""

    tasks: dict[str, KindRecord]
    other_tasks: KindRecord | None

    @staticmethod
    def of(
        unseen: KindFigures,
        sure: Mapping[str, AnsweredShare],
        left_out: KindFigures | None,
        least_confidence: float | None,
    ) -> "KindRecords":
        """`sure`: of the verdicts of `unseen`, by task, those with P at least `least_confidence` from 0.5, which is all
        that a task gets on which too few of all its verdicts were right."""
        tasks = {}
        for task, answered in unseen.answered_by_task.items():
            poor = answered.accuracy is not None and answered.accuracy < LEAST_ACCURACY
            told = (sure[task], least_confidence) if poor and least_confidence is not None else (answered, 0.0)
            tasks[task] = _of_task(unseen, task, *told)
        return KindRecords(tasks, None if left_out is None else _of_all(left_out, least_confidence or 0.0))


def _of_task(figures: KindFigures, task: str, answered: AnsweredShare, least_confidence: float) -> KindRecord:
    own = figures.methods[SANDWICH].tasks[task]
    return KindRecord(
        subjects=own.subjects,
        fewer=min(own.positives, own.subjects - own.positives),
        answered=answered.share,
        accuracy=answered.accuracy,
        auc=own.auc,
        least_confidence=least_confidence,
    )


def _of_all(figures: KindFigures, least_confidence: float) -> KindRecord:
    return KindRecord(
        subjects=figures.subjects,
        fewer=min(figures.positives, figures.subjects - figures.positives),
        answered=figures.answered.share,
        accuracy=figures.answered.accuracy,
        auc=figures.methods[SANDWICH].auc,
        least_confidence=least_confidence,
    )
