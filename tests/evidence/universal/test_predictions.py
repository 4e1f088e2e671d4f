"""Tables of predictions."""

import csv
from pathlib import Path

import numpy as np
import pytest
from probe_sandwich.evidence.universal.evaluation import RESERVE, TASK, UNSEEN, Evaluation
from probe_sandwich.evidence.universal.methods import SANDWICH, direct_test
from probe_sandwich.evidence.universal.predictions import FILES, predicted, write_all_predictions
from probe_sandwich.evidence.universal.table import Table


@pytest.fixture
def folder(tmp_path: Path, three_tasks: Table, evaluation: Evaluation) -> Path:
    write_all_predictions(tmp_path, three_tasks, evaluation)
    return tmp_path


@pytest.mark.parametrize("kind", [UNSEEN, RESERVE, TASK])
def test_a_row_says_of_its_subject_what_was_measured_and_what_was_said(
    kind: str, folder: Path, three_tasks: Table, evaluation: Evaluation
) -> None:
    judged = evaluation.judged[kind]
    with (folder / FILES[kind]).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(judged.test)
    for place, (row, number) in enumerate(zip(rows, judged.test, strict=True)):
        assert row["subject"] == three_tasks.rows[number].subject
        assert (row["task"], row["label"]) == (three_tasks.tasks[number], str(int(three_tasks.labels[number])))
        assert float(row["long_accuracy"]) == three_tasks.long_accuracy[number]
        assert float(row["sandwich"]) == pytest.approx(judged.scores[SANDWICH][place], abs=1e-5)
        assert float(row["direct_test_64_labelled_long_inputs"]) == judged.scores[direct_test(64)][place]


def test_the_tables_tell_what_a_meta_classifier_was_made_of(folder: Path, three_tasks: Table) -> None:
    assert predicted(folder) == {row.subject for row in three_tasks.rows}
    (folder / FILES[RESERVE]).unlink()
    outside = np.flatnonzero(~three_tasks.reserve)
    assert predicted(folder) == {three_tasks.rows[number].subject for number in outside}


def test_a_folder_without_tables_tells_of_nobody(tmp_path: Path) -> None:
    assert predicted(tmp_path) == set()
