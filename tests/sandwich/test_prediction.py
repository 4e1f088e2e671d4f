"""Whose verdicts an ensemble would withhold."""

import numpy as np
from numpy.typing import NDArray
from probe_sandwich.sandwich.prediction import Prediction


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
