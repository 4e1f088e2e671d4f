"""The report of the universal meta-classifier."""

from pathlib import Path

import pytest
from probe_sandwich.evidence.universal.asking import FILE as ASKING_FILE
from probe_sandwich.evidence.universal.evaluation import RESERVE, TASK, UNSEEN, Evaluation
from probe_sandwich.evidence.universal.figures import UniversalEvidence
from probe_sandwich.evidence.universal.methods import AGREEMENT, IN_DISTRIBUTION, SANDWICH
from probe_sandwich.evidence.universal.report import TRAIL, area, lead_of, write_universal_report
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.meta_classifier import load_card

from tests.evidence.conftest import kind_of
from tests.evidence.universal.test_asking_report import ASKING

LABELS = [1] * 5 + [0] * 5
SCORES = {SANDWICH: [0.9] * 5 + [0.1] * 5, "rival": [0.9, 0.9, 0.9, 0.9, 0.1] + [0.1] * 5}


@pytest.fixture(scope="module")
def card(universal: Path) -> Card:
    return load_card(universal)


def report(folder: Path, card: Card, evidence: UniversalEvidence) -> list[str]:
    """Its lines."""
    write_universal_report(folder, card, evidence)
    return (folder / "report.md").read_text().splitlines()


def test_an_area_comes_with_its_interval_and_a_lead_with_its_own() -> None:
    methods = kind_of(SCORES, LABELS, SANDWICH).methods
    assert area(methods[SANDWICH]) == "1.000 (1.000 to 1.000)"
    assert area(methods["rival"]).startswith("0.900 (")
    assert lead_of(methods["rival"]).startswith("+0.100 (+0.000 to +0.")
    assert lead_of(methods[SANDWICH]) == "-"
    assert area(kind_of({SANDWICH: [0.9]}, [1], SANDWICH).methods[SANDWICH]) == "- (- to -)"


def test_every_kind_has_a_table_by_method_and_one_by_task(tmp_path: Path, card: Card, evaluation: Evaluation) -> None:
    lines = report(tmp_path, card, evaluation.evidence)
    for kind, figures in evaluation.evidence.kinds.items():
        place = lines.index(f"## {kind[0].upper()}{kind[1:]}")
        below = lines[place + 1 :]
        own = below[: next((at for at, line in enumerate(below) if line.startswith("## ")), len(below))]
        assert any(line.startswith(f"| {SANDWICH} | {area(figures.methods[SANDWICH])} |") for line in own)
        for task, answered in figures.answered_by_task.items():
            method = figures.methods[SANDWICH].tasks[task]
            row = f"| {task} | {method.subjects} | {method.positives} | {answered.share:.2f} |"
            assert any(line.startswith(row) for line in own)


def test_methods_that_see_labels_bear_a_star(tmp_path: Path, card: Card, evaluation: Evaluation) -> None:
    lines = report(tmp_path, card, evaluation.evidence)
    assert any(line.startswith(f"| {IN_DISTRIBUTION} * |") for line in lines)
    assert not any(line.startswith(f"| {SANDWICH} * |") for line in lines)


def test_what_was_asked_of_it_is_held_against_what_was_measured(
    tmp_path: Path, card: Card, evaluation: Evaluation
) -> None:
    lines = report(tmp_path, card, evaluation.evidence)
    figures = evaluation.evidence.kinds[TASK].methods[SANDWICH]
    assert figures.mean_task_auc is not None
    met = "yes" if round(figures.mean_task_auc, 3) >= 0.9 else "no"
    assert f"| task left out: AUC, mean over tasks | {figures.mean_task_auc:.3f} | 0.90 | {met} |" in lines
    assert any(line.startswith("| foreign: AUC | ") for line in lines)
    assert any(line.startswith(f"| lead over {AGREEMENT}, mean over what is left out | ") for line in lines)
    assert any(line.startswith(f"| {RESERVE} | ") for line in lines[lines.index("## Other cuts") :])
    few = evaluation.evidence.model_copy(update={"kinds": {UNSEEN: evaluation.evidence.kinds[UNSEEN]}})
    unseen = report(tmp_path, card, few)
    assert not any(line.startswith(("| task left out:", "| foreign:")) for line in unseen)
    assert f"## {RESERVE.capitalize()}" not in unseen


def test_a_target_is_met_from_it_on_or_up_to_it_where_it_is_the_most(
    tmp_path: Path, card: Card, evaluation: Evaluation
) -> None:
    error = evaluation.evidence.kinds[TASK].methods[SANDWICH].calibration_error
    assert error is not None
    for least, met in ((0.0, "yes"), (0.3, "no")):
        kinds = dict(evaluation.evidence.kinds)
        methods = kinds[TASK].methods
        changed = methods[SANDWICH].model_copy(update={"calibration_error": least})
        kinds[TASK] = kinds[TASK].model_copy(update={"methods": methods | {SANDWICH: changed}})
        lines = report(tmp_path, card, evaluation.evidence.model_copy(update={"kinds": kinds}))
        assert f"| task left out: calibration error | {least:.3f} | at most 0.10 | {met} |" in lines


def test_the_learning_curve_is_a_table(tmp_path: Path, card: Card, evaluation: Evaluation) -> None:
    lines = report(tmp_path, card, evaluation.evidence)
    for point in evaluation.evidence.learning_curve:
        assert any(line.startswith(f"| {point.tasks} | {point.draws} | {point.auc:.3f} |") for line in lines)


def test_what_lies_beside_it_is_put_in(tmp_path: Path, card: Card, evaluation: Evaluation) -> None:
    assert "## Are learned questions better?" not in report(tmp_path, card, evaluation.evidence)
    (tmp_path / ASKING_FILE).write_text(ASKING.model_dump_json())
    (tmp_path / TRAIL).write_text("## What was tried\n")
    lines = report(tmp_path, card, evaluation.evidence)
    assert "## Are learned questions better?" in lines
    assert lines[-1] == "## What was tried"
