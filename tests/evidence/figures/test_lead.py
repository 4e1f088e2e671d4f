"""How far one method is ahead of another."""

import numpy as np
import pytest
from probe_sandwich.evidence.figures.auc import bootstrapped_auc, middle_interval
from probe_sandwich.evidence.figures.lead import lead
from sklearn.metrics import roc_auc_score


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
    low, high = middle_interval(bootstrapped_auc(score, label, group, 0))
    assert near is not None
    assert low is not None
    assert high is not None
    assert near.high - near.low < (high - low) / 3
