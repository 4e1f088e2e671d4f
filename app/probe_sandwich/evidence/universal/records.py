"""What was measured on each kind of subject, as a card keeps it to decide where verdicts are given."""

from collections.abc import Mapping
from dataclasses import dataclass

from probe_sandwich.evidence.universal.figures import AnsweredShare, KindFigures, TaskFigures
from probe_sandwich.evidence.universal.methods import SANDWICH
from probe_sandwich.sandwich.card import KindRecord


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
            own = unseen.methods[SANDWICH].tasks[task]
            record = _record(own, own.auc, answered, 0.0)
            if record.poor and least_confidence is not None:
                record = _record(own, own.auc, sure[task], least_confidence)
            tasks[task] = record
        if left_out is None:
            return KindRecords(tasks, None)
        auc = left_out.methods[SANDWICH].auc
        return KindRecords(tasks, _record(left_out, auc, left_out.answered, least_confidence or 0.0))


def _record(
    judged: KindFigures | TaskFigures, auc: float | None, answered: AnsweredShare, least_confidence: float
) -> KindRecord:
    return KindRecord(
        subjects=judged.subjects,
        fewer=min(judged.positives, judged.subjects - judged.positives),
        answered=answered.share,
        accuracy=answered.accuracy,
        auc=auc,
        least_confidence=least_confidence,
    )
