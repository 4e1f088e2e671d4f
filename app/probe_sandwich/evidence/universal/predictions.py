"""Tables of predictions: one row a subject, one column a method, one file a kind."""

import csv
import io
from pathlib import Path

from probe_sandwich.evidence.universal.evaluation import RESERVE, TASK, UNSEEN, Evaluation, JudgedKind
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.files import write_atomically

FILES = {UNSEEN: "predictions.csv", RESERVE: "reserve.csv", TASK: "task_left_out.csv"}
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
    """Write what is said of each subject by what saw none of its configuration, by the whole ensemble of the reserve,
    and by what saw none of the subject's task."""
    for kind, name in FILES.items():
        if kind in evaluation.judged:
            _write(folder / name, table, evaluation.judged[kind])


def predicted(folder: Path) -> set[str]:
    """The subjects of the zoos that a meta-classifier was made of, by their hashes; none where no table is there."""
    paths = [folder / FILES[kind] for kind in (UNSEEN, RESERVE)]
    return {row["subject"] for path in paths if path.exists() for row in csv.DictReader(io.StringIO(path.read_text()))}


def _write(path: Path, table: Table, judged: JudgedKind) -> None:
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
