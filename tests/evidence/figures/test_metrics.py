"""Figures that mean what they say."""

import numpy as np
import pytest
from probe_sandwich.evidence.figures.metrics import lead, measure
from sklearn.metrics import roc_auc_score


def test_figures_of_a_perfect_and_of_a_useless_predictor() -> None:
    rng = np.random.default_rng(1)
    group, accuracy = np.repeat(np.arange(40), 5), rng.uniform(0.6, 1, 200)
    label = accuracy >= 0.8
    perfect = measure(label.astype(float), label, accuracy, group)
    useless = measure(rng.random(200), label, accuracy, group)
    assert (perfect.auc, perfect.brier, perfect.within_configuration_auc) == (1.0, 0.0, 1.0)
    assert useless.auc_low < 0.5 < useless.auc_high


def test_the_interval_within_a_configuration_pairs_nobody_with_a_copy() -> None:
    group = np.repeat(np.arange(20), 5)
    label = np.random.default_rng(0).random(100) < np.repeat(np.linspace(0, 1, 20), 5)
    # Knows the label, but only up to the configuration's own level.
    figures = measure(group.astype(float), label, label.astype(float), group)
    assert (figures.within_configuration_low, figures.within_configuration_high) == (0.5, 0.5)
    noisy = measure(label + np.random.default_rng(1).normal(size=100), label, label.astype(float), group)
    assert noisy.within_configuration_low is not None
    assert noisy.within_configuration_low < noisy.within_configuration_auc < noisy.within_configuration_high


def test_a_planted_lead_is_shown_and_one_of_equal_scores_is_not() -> None:
    rng = np.random.default_rng(2)
    group, label = np.repeat(np.arange(60), 5), rng.random(300) < 0.5
    good, bad, other = (label + rng.normal(size=300) * noise for noise in (0.5, 1.5, 1.5))
    ahead, same, alike = lead(good, bad, label, group), lead(bad, bad, label, group), lead(bad, other, label, group)
    assert ahead is not None
    assert ahead.low > 0
    assert ahead.auc == pytest.approx(roc_auc_score(label, good) - roc_auc_score(label, bad))
    assert same is not None
    assert (same.low, same.auc, same.high) == (0, 0, 0)
    assert not same.shown
    assert alike is not None
    assert alike.low < 0 < alike.high


def test_a_paired_interval_is_narrower_than_that_of_either_method() -> None:
    rng = np.random.default_rng(3)
    group, label = np.repeat(np.arange(60), 5), rng.random(300) < 0.5
    score = label + rng.normal(size=300)
    near = lead(score, score + rng.normal(size=300) * 0.1, label, group)
    alone = measure(score, label, label.astype(float), group)
    assert near is not None
    assert near.high - near.low < (alone.auc_high - alone.auc_low) / 3


def test_what_is_no_probability_has_no_calibration() -> None:
    figures = measure(
        np.array([0.1, 0.9]), np.array([False, True]), np.array([0.1, 0.9]), np.arange(2), calibrated=False
    )
    assert (figures.brier, figures.expected_calibration_error, figures.accuracy) == (None, None, None)
    assert figures.auc == 1.0
