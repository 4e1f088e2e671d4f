"""Minimal pairs."""

import numpy as np
from probe_sandwich.tasks.pairs import Pairs


def test_pairs_are_joined_in_order_and_none_are_still_of_their_length() -> None:
    one = Pairs(np.array([[0, 1]], np.uint8), np.array([[1, 0]], np.uint8))
    joined = Pairs.joined([one, Pairs(one.negative, one.positive)], 2)
    assert joined.positive.tolist() == [[0, 1], [1, 0]]
    assert joined.negative.tolist() == [[1, 0], [0, 1]]
    assert Pairs.joined([], 7).positive.shape == (0, 7)
