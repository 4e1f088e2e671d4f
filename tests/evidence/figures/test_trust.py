"""Intervals that hold what they claim."""

import numpy as np
import pytest
from probe_sandwich.evidence.figures.trust import coverage
from probe_sandwich.sandwich.prediction import LEVEL


def test_an_interval_holds_one_more_member_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=4000) * 2 + rng.normal(size=(5, 4000)) * rng.uniform(0.1, 2, 4000)
    assert coverage(1 / (1 + np.exp(-log_odds))) == pytest.approx(LEVEL, abs=0.01)


def test_members_that_see_other_things_than_each_other_are_covered_less_often() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=(5, 4000))
    log_odds[0] += 8
    held = coverage(1 / (1 + np.exp(-log_odds)))
    assert held is not None
    assert held < LEVEL - 0.05
