"""Figures of methods whose scores are known."""

from pathlib import Path

import numpy as np
import pytest
from probe_sandwich.evidence.figures.lead import Lead
from probe_sandwich.evidence.universal.figures import (
    FILE,
    AnsweredShare,
    Facts,
    UniversalEvidence,
    task_aucs,
    write_universal_evidence,
)

from tests.evidence.conftest import kind_of

RIGHT = [0.9] * 5 + [0.1] * 5
LABELS = [1] * 5 + [0] * 5
UNSURE = [0.9, 0.9, 0.9, 0.4, 0.4] + [0.1] * 5


def test_who_knows_the_labels_has_all_figures_at_their_best() -> None:
    method = kind_of({"sandwich": RIGHT}, LABELS, "sandwich").methods["sandwich"]
    assert (method.auc, method.auc_low, method.auc_high) == (1, 1, 1)
    assert (method.mean_task_auc, method.least_task_auc, method.accuracy) == (1, 1, 1)
    assert method.calibration_error == pytest.approx(0.1)
    assert method.sandwich_lead is None


def test_a_lead_is_the_sandwichs_figure_less_the_rivals() -> None:
    wrong = [1 - score for score in RIGHT]
    rival = kind_of({"sandwich": RIGHT, "wrong": wrong}, LABELS, "sandwich").methods["wrong"]
    assert rival.auc == 0
    assert rival.sandwich_lead is not None
    assert rival.sandwich_lead.auc == 1
    assert rival.accuracy is None  # its scores are no probabilities
    assert rival.calibration_error is None


def test_within_a_configuration_only_its_own_seeds_are_compared() -> None:
    scores = {"sandwich": [0.9, 0.8, 0.2, 0.1], "configuration": [0.9, 0.9, 0.1, 0.1]}
    figures = kind_of(scores, [1, 0, 1, 0], "sandwich", configurations=[0, 0, 1, 1])
    own, known = figures.methods["sandwich"], figures.methods["configuration"]
    assert figures.configurations == 2
    assert (own.within_configuration_auc, own.within_configuration_pairs) == (1, 2)
    assert (own.auc, known.within_configuration_auc, known.auc) == (0.75, 0.5, 0.5)


def test_the_gap_to_the_best_seed_is_closed_by_who_finds_it() -> None:
    accuracy = [0.6, 0.7, 0.9]
    scores = {"sandwich": accuracy, "blind": [0.5] * 3}
    figures = kind_of(scores, [0, 0, 1], "sandwich", configurations=[4, 4, 4], long_accuracy=accuracy)
    own, blind = figures.methods["sandwich"], figures.methods["blind"]
    assert own.gap_closed == pytest.approx(1)
    assert blind.gap_closed == pytest.approx(0, abs=1e-9)
    assert own.gap_configurations == 1
    assert blind.gap_lead is not None
    assert blind.gap_lead.closed == pytest.approx(1)


def test_a_task_has_an_auc_where_either_label_has_five_of_its_subjects() -> None:
    tasks = np.array(["one"] * 10 + ["two"] * 9)
    labels = np.array([*LABELS, 1, 1, 1, 1, 0, 0, 0, 0, 0]) == 1
    facts = Facts(labels, labels * 1.0, np.arange(19), tasks)
    assert task_aucs(np.array([*UNSURE, *[0.5] * 9]), facts) == [1.0]
    figures = kind_of({"sandwich": [*UNSURE, *[0.5] * 9]}, labels.astype(int).tolist(), "sandwich", tasks=tasks)
    two = figures.methods["sandwich"].tasks["two"]
    assert (two.subjects, two.positives, two.auc) == (9, 4, None)


def test_what_is_answered_is_told_from_what_would_be_right() -> None:
    answered, right = np.array([True, True, False, False]), np.array([True, False, True, True])
    assert AnsweredShare.of(answered, right) == AnsweredShare(share=0.5, accuracy=0.5, accuracy_of_all=0.75)
    assert AnsweredShare.of(np.zeros(4, np.bool_), right).accuracy is None
    by_task = kind_of({"sandwich": UNSURE}, LABELS, "sandwich", tasks=["one"] * 5 + ["two"] * 5).answered_by_task
    assert {task: answered.accuracy_of_all for task, answered in by_task.items()} == {"one": 0.6, "two": 1.0}


def test_evidence_comes_back_as_it_was_written(tmp_path: Path) -> None:
    evidence = UniversalEvidence(
        kinds={"unseen": kind_of({"sandwich": UNSURE}, LABELS, "sandwich")},
        learning_curve=[],
        least_confidence=0.2,
        sure_by_task={"conjunction": AnsweredShare(share=0.5, accuracy=0.9, accuracy_of_all=0.8)},
        other_cuts={"unseen": {0.8: 0.9, 0.95: None}},
        leads_elsewhere={"agreement": Lead(auc=0.02, low=0.01, high=0.03)},
        converged_by_task={"one": 10},
        generalizers_by_task={"one": 5},
    )
    write_universal_evidence(tmp_path, evidence)
    assert UniversalEvidence.model_validate_json((tmp_path / FILE).read_text()) == evidence
