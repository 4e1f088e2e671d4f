"""Self-agreement of unlabelled formulas, the simplest rival."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from probe_sandwich.evidence.experiment.agreement import (
    FORMULAS,
    PLACEMENTS,
    agreement_trees,
    answers_that_turn,
    soft_agreement,
    unlabelled_gaps,
    untrained,
)
from probe_sandwich.evidence.experiment.baselines import cross_validated
from probe_sandwich.evidence.experiment.folds import make_folds
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.subjects.transformer import SubjectStack
from probe_sandwich.zoo.cohorts import Cohort


@pytest.fixture
def labels() -> NDArray[np.bool_]:
    return np.random.default_rng(0).random(200) < 0.5


@pytest.fixture
def gaps(labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of 200 subjects, half of whom answer nearly the same everywhere."""
    rng = np.random.default_rng(1)
    usual = rng.normal(size=(len(labels), 1, FORMULAS))
    noise = rng.normal(size=(len(labels), len(PLACEMENTS), FORMULAS)) * np.where(labels, 0.4, 1.0)[:, None, None]
    return np.concatenate([usual, usual + noise], axis=1)


def test_who_agrees_with_itself_is_found_with_no_label_of_a_formula(
    gaps: NDArray[np.float64], labels: NDArray[np.bool_]
) -> None:
    folds = make_folds(np.arange(len(labels)) // 5, np.arange(40), 2, 0)
    assert auc(cross_validated(agreement_trees(gaps), labels, folds), labels) > 0.95
    assert auc(untrained(gaps), labels) > 0.95


def test_shuffled_labels_give_agreement_trees_nothing_to_find(
    gaps: NDArray[np.float64], labels: NDArray[np.bool_]
) -> None:
    folds = make_folds(np.arange(len(labels)) // 5, np.arange(40), 2, 0)
    shuffles = [np.random.default_rng(seed).permutation(labels) for seed in range(3)]
    found = [auc(cross_validated(agreement_trees(gaps), shuffled, folds), shuffled) for shuffled in shuffles]
    assert abs(np.mean(found) - 0.5) < 0.1


def test_agreement_does_not_care_which_answer_is_which(gaps: NDArray[np.float64]) -> None:
    assert np.allclose(agreement_trees(gaps).features, agreement_trees(-gaps).features)
    assert (soft_agreement(gaps) == soft_agreement(-gaps)).all()


def test_agreement_does_not_change_with_the_scale_of_the_head(shipped_cohort: Cohort) -> None:
    few = shipped_cohort.select([0, 11])
    weights = dict(few.subjects.weights)
    for name in ("head.weight", "head.bias"):
        weights[name] = weights[name] * 0.1
    quiet = replace(few, subjects=SubjectStack.of(few.subjects.configs, weights))
    numbered = [replace(one, numbers=one.numbers.new_tensor([0, 1])) for one in (few, quiet)]
    loud_gaps, quiet_gaps = (unlabelled_gaps([one]) for one in numbered)
    assert loud_gaps.shape == (2, 1 + len(PLACEMENTS), FORMULAS)
    assert np.allclose(loud_gaps, quiet_gaps, rtol=1e-3, atol=1e-3)


def test_answers_turn_where_signs_do() -> None:
    gaps = np.ones((1, 1 + len(PLACEMENTS), 4))
    gaps[0, 2, 0] = -1
    assert answers_that_turn(gaps) == {one.name: 0.25 * (n == 1) for n, one in enumerate(PLACEMENTS)}
