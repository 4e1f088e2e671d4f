"""Whether probabilities are as often right as they say."""

import numpy as np
import pytest
from probe_sandwich.evidence.figures.calibration import calibration_error


def test_calibration_error_of_known_probabilities() -> None:
    probability = np.array([0.25, 0.25, 0.25, 0.25, 0.95, 0.95])
    label = np.array([True, False, False, False, True, False])
    assert calibration_error(probability, label) == pytest.approx(2 / 6 * 0.45)
