"""Figures of what draws anew: one AUC a draw."""

import numpy as np
import pytest
from probe_sandwich.evidence.figures.draws import areas, lead_of_draws

LABELS = np.array([False, False, True, True])
GROUPS = np.arange(4)
RIGHT, WRONG = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.9, 0.8, 0.2, 0.1])


def test_each_draw_has_an_area_of_its_own() -> None:
    assert areas(np.stack([RIGHT, WRONG]), LABELS) == pytest.approx([1, 0])


def test_a_lead_is_that_of_one_draw_on_average() -> None:
    lead = lead_of_draws(np.stack([RIGHT, RIGHT]), np.stack([RIGHT, WRONG]), LABELS, GROUPS)
    assert lead is not None
    assert lead.auc == pytest.approx(0.5)
    assert lead.low <= 0.5 <= lead.high
    level = lead_of_draws(np.stack([RIGHT, WRONG]), np.stack([WRONG, RIGHT]), LABELS, GROUPS)
    assert level is not None
    assert (level.auc, level.low, level.high) == pytest.approx((0, 0, 0))


def test_there_is_no_lead_among_subjects_of_one_label() -> None:
    assert lead_of_draws(RIGHT[None], WRONG[None], np.ones(4, np.bool_), GROUPS) is None
