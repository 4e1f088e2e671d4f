"""Every kind of subject, judged by what was fitted without it."""

import numpy as np
import pytest
from probe_sandwich.evidence.universal.evaluation import (
    CONJUNCTIONS,
    LENGTH,
    RESERVE,
    SIZE,
    TASK,
    UNSEEN,
    Evaluation,
    facts_of,
    other_cuts,
)
from probe_sandwich.evidence.universal.foreign import FOREIGN
from probe_sandwich.evidence.universal.methods import AGREEMENT_TREES, IN_DISTRIBUTION, METHODS, SANDWICH, SEVERED
from probe_sandwich.evidence.universal.table import Table


def test_every_kind_of_split_is_judged_on_its_own_subjects(three_tasks: Table, evaluation: Evaluation) -> None:
    known, everyone = ~three_tasks.reserve, np.ones(len(three_tasks), np.bool_)
    first = known & (three_tasks.tasks == "conjunction") & (three_tasks.lengths == 12)
    wide = np.array([row.config.d_model == 64 for row in three_tasks.rows])
    expected = {
        UNSEEN: known,
        CONJUNCTIONS: first,
        TASK: everyone,
        LENGTH: three_tasks.lengths == 24,
        SIZE: wide,
        RESERVE: three_tasks.reserve,
    }
    assert list(evaluation.evidence.kinds) == [*expected, FOREIGN]
    for kind, own in expected.items():
        judged = evaluation.judged[kind].test
        assert sorted(judged.tolist()) == np.flatnonzero(own).tolist()
        assert evaluation.evidence.kinds[kind].subjects == own.sum()
        assert evaluation.evidence.kinds[kind].positives == three_tasks.labels[own].sum()


def test_the_sandwich_finds_what_is_in_the_answers_and_severed_it_finds_nothing(evaluation: Evaluation) -> None:
    methods = evaluation.evidence.kinds[UNSEEN].methods
    assert list(methods) == [method.name for method in METHODS]
    assert (methods[SANDWICH].auc or 0) > 0.95
    assert (methods[SANDWICH].within_configuration_auc or 0) > 0.95
    assert methods[SEVERED].within_configuration_auc == 0.5


def test_a_score_belongs_to_the_subject_that_it_is_of(three_tasks: Table, evaluation: Evaluation) -> None:
    for judged in evaluation.judged.values():
        accuracy = [three_tasks.rows[number].in_distribution_accuracy for number in judged.test]
        assert judged.scores[IN_DISTRIBUTION].tolist() == accuracy
        assert facts_of(three_tasks, judged.test).labels.tolist() == three_tasks.labels[judged.test].tolist()


def test_on_a_task_left_out_a_verdict_is_given_where_the_sandwich_is_sure(evaluation: Evaluation) -> None:
    least, judged = evaluation.evidence.least_confidence, evaluation.judged[TASK]
    assert least is not None
    assert 0 <= least < 0.5
    answered = evaluation.evidence.kinds[TASK].answered
    assert answered.share <= judged.alike.mean()
    assert (answered.accuracy or 0) >= 0.85


def test_of_each_task_it_is_told_what_verdicts_so_sure_are_worth(three_tasks: Table, evaluation: Evaluation) -> None:
    least, judged = evaluation.evidence.least_confidence or 0.0, evaluation.judged[UNSEEN]
    facts, probability = facts_of(three_tasks, judged.test), judged.scores[SANDWICH]
    for task, share in evaluation.evidence.sure_by_task.items():
        sure = (facts.tasks == task) & judged.alike & (abs(probability - 0.5) >= least)
        assert share.share == sure.sum() / (facts.tasks == task).sum()
        assert share.accuracy == ((probability >= 0.5) == facts.labels)[sure].mean()


def test_the_lead_elsewhere_is_the_mean_of_those_on_what_is_left_out(evaluation: Evaluation) -> None:
    leads, left_out = evaluation.evidence.leads_elsewhere, (LENGTH, SIZE, TASK, FOREIGN)
    assert AGREEMENT_TREES in leads
    for rival, lead in leads.items():
        own = [evaluation.evidence.kinds[kind].methods[rival].sandwich_lead for kind in left_out]
        assert lead.auc == pytest.approx(np.mean([one.auc for one in own if one is not None]))
        assert lead.low <= lead.auc <= lead.high


def test_the_cut_at_which_labels_were_made_is_among_others(three_tasks: Table, evaluation: Evaluation) -> None:
    assert set(evaluation.evidence.other_cuts) == {UNSEEN, CONJUNCTIONS, TASK, RESERVE}
    for kind, by_cut in evaluation.evidence.other_cuts.items():
        assert list(by_cut) == [0.8, 0.85, 0.9, 0.95]
        assert by_cut[0.9] == evaluation.evidence.kinds[kind].methods[SANDWICH].auc


def test_a_subject_is_a_generalizer_from_a_cut_on() -> None:
    accuracy = np.array([0.79, 0.8, 0.9, 0.96])
    assert other_cuts(np.array([0.1, 0.9, 0.5, 0.4]), accuracy) == {0.8: 1.0, 0.85: 0.5, 0.9: 0.5, 0.95: 1 / 3}


def test_controls_are_judged_on_unseen_configurations_alone(evaluation: Evaluation) -> None:
    controls = {method.name for method in METHODS if method.control}
    for kind, figures in evaluation.evidence.kinds.items():
        assert (
            controls <= set(figures.methods) if kind in (UNSEEN, CONJUNCTIONS) else not controls & set(figures.methods)
        )


def test_subjects_are_counted_by_task(evaluation: Evaluation) -> None:
    assert evaluation.evidence.converged_by_task == {"cnf": 30, "conjunction": 30, "formula": 30}
    assert evaluation.evidence.generalizers_by_task == {"cnf": 15, "conjunction": 15, "formula": 15}


def test_the_learning_curve_counts_tasks(evaluation: Evaluation) -> None:
    assert [point.tasks for point in evaluation.evidence.learning_curve] == [1, 2]
