"""Area under the ROC curve, and within a configuration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.evidence.figures.auc import (
    auc,
    bootstrapped_auc,
    middle_interval,
    within_configuration_auc,
    within_configuration_interval,
)
from sklearn.metrics import roc_auc_score


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60))
def test_auc_is_that_of_scikit_learn(pairs: list[tuple[int, bool]]) -> None:
    score, label = np.array([p[0] for p in pairs], dtype=float), np.array([p[1] for p in pairs])
    if len(set(label)) == 2:
        assert auc(score, label) == pytest.approx(roc_auc_score(label, score))


def test_one_label_only_has_no_auc() -> None:
    assert auc(np.array([0.1, 0.2]), np.array([True, True])) is None


def test_within_configuration_auc_is_a_half_for_what_knows_the_configuration_alone() -> None:
    group = np.repeat(np.arange(20), 5)
    label = np.random.default_rng(0).random(100) < np.repeat(np.linspace(0, 1, 20), 5)
    assert auc(group.astype(float), label) > 0.8
    assert within_configuration_auc(group.astype(float), label, group)[0] == 0.5


def test_the_interval_of_a_useless_score_holds_a_half() -> None:
    rng = np.random.default_rng(1)
    group, label, score = np.repeat(np.arange(40), 5), rng.random(200) < 0.5, rng.random(200)
    low, high = middle_interval(bootstrapped_auc(score, label, group, 0))
    assert low is not None
    assert high is not None
    assert 0.3 < low < 0.5 < high < 0.7


def test_the_interval_within_a_configuration_pairs_nobody_with_a_copy() -> None:
    group = np.repeat(np.arange(20), 5)
    label = np.random.default_rng(0).random(100) < np.repeat(np.linspace(0, 1, 20), 5)
    # Knows the label, but only up to the configuration's own level.
    assert within_configuration_interval(group.astype(float), label, group, 0) == (0.5, 0.5)
    noisy = label + np.random.default_rng(1).normal(size=100)
    low, high = within_configuration_interval(noisy, label, group, 0)
    middle, _ = within_configuration_auc(noisy, label, group)
    assert low is not None
    assert middle is not None
    assert high is not None
    assert low < middle < high
