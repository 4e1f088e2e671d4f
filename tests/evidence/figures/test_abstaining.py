"""Verdicts that are withheld, and whether they would have been right."""

import numpy as np
from probe_sandwich.evidence.figures.abstaining import Abstaining, measure_abstaining, withholding

from tests.sandwich.test_prediction import prediction


def test_verdicts_are_withheld_from_strangers_and_where_members_disagree() -> None:
    members = np.array([[0.9, 0.9, 0.9, 0.4], [0.8, 0.9, 0.2, 0.2], [0.9, 0.9, 0.3, 0.1], [0.9, 0.9, 0.9, 0.1]])
    one = prediction(members, np.array([0.5, 1.2, 0.9, np.nan]))
    assert withholding(one, 0.5).abstain == 0.75
    figures = measure_abstaining([one], np.array([True, True, False, False]), 0.5)
    assert figures == Abstaining(
        subjects=4, withheld=0.75, accuracy=0.75, accuracy_where_given=1.0, accuracy_where_withheld=2 / 3
    )
