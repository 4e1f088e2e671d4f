"""Whose verdicts an ensemble would withhold, and how far its numbers reach."""

import numpy as np
from numpy.typing import NDArray
from probe_sandwich.sandwich.prediction import Prediction, spread_interval, student_quantile


def prediction(members: NDArray[np.float64]) -> Prediction:
    """What an ensemble of these members says."""
    mean = members.mean(axis=0)
    nothing = np.zeros(len(mean))
    return Prediction(
        mean, mean, mean, nothing, members, nothing.astype(np.int64), nothing, np.ones(len(mean), dtype=bool)
    )


def test_where_members_disagree() -> None:
    members = np.array([[0.9, 0.9, 0.9, 0.4], [0.8, 0.9, 0.2, 0.2], [0.9, 0.9, 0.3, 0.1], [0.9, 0.9, 0.9, 0.1]])
    one = prediction(members)
    assert one.split(0.5).tolist() == [False, False, True, False]


def test_what_draws_do_to_all_members_together_widens_the_interval() -> None:
    alike = np.array([[[0.6]] * 4, [[0.7]] * 4])  # (members, draws, models)
    apart = np.array([[[0.4], [0.8]] * 2, [[0.5], [0.9]] * 2])
    narrow, wide = (np.ravel(spread_interval(some, 2.0)) for some in (alike, apart))
    assert wide[0] < narrow[0] < 0.65 < narrow[1] < wide[1]


def test_an_interval_holds_nine_in_ten_further_members_that_read_other_draws() -> None:
    """Log-odds with effects of members, of draws, and of both together."""
    random = np.random.default_rng(0)
    members, draws, models = 5, 2, 4000
    log_odds = random.normal(size=(members + 1, 1, models)) + random.normal(size=(members + 1, draws, models)) / 2
    shared = random.normal(size=(2, draws, models)) / 2
    known = 1 / (1 + np.exp(-(log_odds[:members] + shared[0])))
    further = (log_odds[members] + shared[1]).mean(axis=0)
    low, high = spread_interval(known, student_quantile(members))
    probability = 1 / (1 + np.exp(-further))
    assert 0.87 < ((low <= probability) & (probability <= high)).mean() < 0.93
