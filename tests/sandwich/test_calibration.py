"""From a score to a probability."""

import numpy as np
import pytest
from probe_sandwich.sandwich.calibration import fit_calibration


def test_calibration_recovers_a_known_sigmoid() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=4000)
    labels = rng.random(4000) < 1 / (1 + np.exp(-(2.0 * scores - 0.5)))
    fitted = fit_calibration(scores, labels)
    assert fitted.slope == pytest.approx(2.0, abs=0.25)
    assert fitted.shift == pytest.approx(-0.5, abs=0.15)
