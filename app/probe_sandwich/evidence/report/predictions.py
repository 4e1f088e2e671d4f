"""Tables of predictions: one row a subject, one column a method."""

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.methods import Predictions
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.files import write_atomically

PREDICTIONS = "predictions.csv"
_FACTS = ("subject", "group", "scheme", "converged", "label", "in_distribution_accuracy", "long_accuracy")


def write_predictions(path: Path, zoo: Zoo, predictions: Predictions) -> None:
    """Write what is known of each subject, and each method's probability."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FACTS, *predictions])
    for number, row in enumerate(zoo.rows):
        facts = (
            row.subject,
            row.group,
            row.scheme.value,
            int(row.converged),
            int(row.label),
            round(row.in_distribution_accuracy, 5),
            "" if row.long_accuracy is None else round(row.long_accuracy, 5),
        )
        writer.writerow([*facts, *(f"{values[number]:.5f}" for values in predictions.values())])
    write_atomically(path, text.getvalue().encode())


def read_predictions(path: Path) -> dict[str, NDArray[np.float64]]:
    """Predictions of every method in the file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name not in _FACTS}
