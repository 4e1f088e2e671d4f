"""Tables of predictions: one row a subject, one column a method, one file a kind."""

import csv
import io
from pathlib import Path

from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, Evaluation, Judged
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.files import write_atomically

FILES = {UNSEEN: "predictions.csv", TASK: "task_left_out.csv"}
_FACTS = (
    "subject",
    "group",
    "scheme",
    "converged",
    "label",
    "in_distribution_accuracy",
    "long_accuracy",
    "task",
    "train_max_length",
)


def write_all_predictions(folder: Path, table: Table, evaluation: Evaluation) -> None:
    """Write what is said of each subject by what saw none of its configuration, and by what saw none of its task."""
    for kind, name in FILES.items():
        if kind in evaluation.judged:
            _write(folder / name, table, evaluation.judged[kind])


def _write(path: Path, table: Table, judged: Judged) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FACTS, *(name.replace(",", "").replace(" ", "_") for name in judged.scores)])
    for place, number in enumerate(judged.test.tolist()):
        row = table.rows[number]
        facts = (
            row.subject,
            table.configurations[number],
            row.scheme.value,
            int(row.converged),
            int(row.label),
            round(row.in_distribution_accuracy, 5),
            "" if row.long_accuracy is None else round(row.long_accuracy, 5),
            table.tasks[number],
            table.lengths[number],
        )
        writer.writerow([*facts, *(f"{score[place]:.5f}" for score in judged.scores.values())])
    write_atomically(path, text.getvalue().encode())
