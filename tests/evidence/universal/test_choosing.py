"""What choosing a seed by a score closes of the gap to the best one."""

import numpy as np
import pytest
from probe_sandwich.evidence.universal.choosing import bootstrapped, closed, closed_interval, gaps

ACCURACY = np.array([0.7, 0.8, 0.9, 0.6, 0.6, 0.9, 0.5, 1.0])
CONFIGURATION = np.array([1, 1, 1, 2, 2, 2, 3, 3])  # the last one has too few seeds to choose from


def test_who_knows_the_long_accuracy_closes_all_of_it_and_who_knows_its_opposite_less_than_nothing() -> None:
    assert closed(gaps(ACCURACY, ACCURACY, CONFIGURATION)) == pytest.approx(1.0)
    assert closed(gaps(-ACCURACY, ACCURACY, CONFIGURATION)) == pytest.approx(-0.2 / 0.3)


def test_a_score_that_knows_the_configuration_alone_closes_nothing() -> None:
    assert closed(gaps(CONFIGURATION.astype(float), ACCURACY, CONFIGURATION)) == pytest.approx(0.0)


def test_configurations_of_two_seeds_do_not_count() -> None:
    assert gaps(ACCURACY, ACCURACY, CONFIGURATION).shape == (2, 2)
    assert closed(gaps(ACCURACY[6:], ACCURACY[6:], CONFIGURATION[6:])) is None


def test_scores_are_drawn_in_pairs() -> None:
    own = gaps(ACCURACY, ACCURACY, CONFIGURATION)
    assert np.array_equal(bootstrapped(own), bootstrapped(own))
    assert closed_interval(own) == pytest.approx((1.0, 1.0))
