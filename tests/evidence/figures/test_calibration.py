"""Whether probabilities are as often right as they say."""

import numpy as np
import pytest
from probe_sandwich.evidence.figures.calibration import CoveragePoint, calibration_error, risk_coverage


def test_calibration_error_of_known_probabilities() -> None:
    probability = np.array([0.25, 0.25, 0.25, 0.25, 0.95, 0.95])
    label = np.array([True, False, False, False, True, False])
    assert calibration_error(probability, label) == pytest.approx(2 / 6 * 0.45)


def test_the_surest_verdicts_come_first() -> None:
    probability = np.array([0.99, 0.02, 0.9, 0.2, 0.8, 0.3, 0.7, 0.6, 0.45, 0.55])
    labels = np.array([1, 0, 1, 0, 1, 0, 1, 1, 1, 0], dtype=bool)
    curve = risk_coverage(probability, labels, 0.5)
    assert curve[0] == CoveragePoint(coverage=1.0, accuracy=0.8)
    assert curve[-1] == CoveragePoint(coverage=0.5, accuracy=1.0)
