"""How far one method is ahead of another."""

import numpy as np
import pytest
from probe_sandwich.evidence.figures.auc import bootstrapped_auc, middle_interval
from probe_sandwich.evidence.figures.lead import Compared, lead, lead_over_kinds, lead_within_tasks
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


def test_a_lead_within_tasks_knows_nothing_of_which_task_it_is() -> None:
    rng = np.random.default_rng(4)
    group, label, task = np.repeat(np.arange(120), 5), rng.random(600) < 0.5, np.repeat(np.arange(6), 100)
    score = label + rng.normal(size=600)
    parts = [task == one for one in range(6)]
    assert lead_within_tasks(score, score + 9 * task, label, group, parts) == lead_within_tasks(
        score, score, label, group, parts
    )
    ahead = lead_within_tasks(score, rng.normal(size=600), label, group, parts)
    assert ahead is not None
    assert ahead.low > 0.1


def test_a_lead_in_half_of_the_tasks_is_not_shown() -> None:
    """Tasks are drawn, too: another one may be of either kind."""
    rng = np.random.default_rng(5)
    group, label, task = np.repeat(np.arange(120), 5), rng.random(600) < 0.5, np.repeat(np.arange(6), 100)
    one, other = (label + rng.normal(size=600) * np.where(task % 2 == half, 0.5, 2) for half in (0, 1))
    even = lead_within_tasks(one, other, label, group, [task == number for number in range(6)])
    assert even is not None
    assert not even.shown
    assert lead_within_tasks(one, other, label, group, [task == number for number in range(4)]) is None


def test_a_lead_over_kinds_is_the_mean_of_theirs_and_that_over_one_is_its_own() -> None:
    rng = np.random.default_rng(6)
    group, label = np.repeat(np.arange(60), 5), rng.random(300) < 0.5
    good, bad = (label + rng.normal(size=300) * noise for noise in (0.5, 1.5))
    ahead, level = Compared(good, bad, label, group), Compared(bad, bad, label, group)
    own, alone, both = lead(good, bad, label, group), lead_over_kinds([ahead]), lead_over_kinds([ahead, level])
    assert own is not None
    assert alone == own
    assert both is not None
    assert (both.auc, both.low, both.high) == pytest.approx((own.auc / 2, own.low / 2, own.high / 2))


def test_a_configuration_is_drawn_as_often_in_every_kind() -> None:
    rng = np.random.default_rng(7)
    group, label = np.repeat(np.arange(60), 5), rng.random(300) < 0.5
    good, bad = (label + rng.normal(size=300) * noise for noise in (0.9, 1.0))
    ahead, behind = Compared(good, bad, label, group), Compared(bad, good, label, group)
    level = lead_over_kinds([ahead, behind])
    assert level is not None
    assert (level.auc, level.low, level.high) == pytest.approx((0, 0, 0))
    apart = lead_over_kinds([ahead, Compared(bad, good, label, group + 60)])
    assert apart is not None
    assert apart.low < -0.001 < 0.001 < apart.high


def test_a_kind_of_one_label_says_nothing_of_a_lead() -> None:
    group, label = np.arange(4), np.array([True, True, False, False])
    both = Compared(np.arange(4.0), -np.arange(4.0), label, group)
    one = Compared(both.score, both.rival, np.ones(4, np.bool_), group)
    assert lead_over_kinds([both, one]) == lead_over_kinds([both])
    assert lead_over_kinds([one]) is None


def test_a_lead_of_draws_is_that_of_one_draw_on_average() -> None:
    label, group = np.array([False, False, True, True]), np.arange(4)
    right, wrong = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.9, 0.8, 0.2, 0.1])
    ahead = lead(np.stack([right, right]), np.stack([right, wrong]), label, group)
    assert ahead is not None
    assert ahead.auc == pytest.approx(0.5)
    level = lead(np.stack([right, wrong]), np.stack([wrong, right]), label, group)
    assert level is not None
    assert (level.auc, level.low, level.high) == pytest.approx((0, 0, 0))
    assert lead(right[None], wrong[None], np.ones(4, np.bool_), group) is None
