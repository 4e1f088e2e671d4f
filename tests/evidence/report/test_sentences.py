"""Sentences say what the intervals say."""

import numpy as np
from probe_sandwich.evidence.figures.metrics import Figures, Lead, measure
from probe_sandwich.evidence.report.sentences import what_leads_show


def figures(*ahead: float) -> Figures:
    """Figures of a method over which the sandwich leads by so much: low end, middle and high end of an interval."""
    low, auc, high = ahead
    one = np.ones(1)
    return measure(one, one.astype(bool), one, one.astype(np.int64)).model_copy(
        update={"sandwich_lead": Lead(auc=auc, low=low, high=high)}
    )


def test_a_lead_is_claimed_only_where_its_interval_excludes_zero() -> None:
    text = what_leads_show(
        {
            "in_distribution": figures(0.1, 0.2, 0.3),
            "placed_formulas": figures(-0.03, 0.007, 0.05),
            "hybrid": figures(-0.2, -0.1, -0.05),
        }
    )
    assert text == (
        "The sandwich's AUC is larger, with an interval that excludes 0, than that of in distribution. "
        "No difference is shown to placed formulas. "
        "It is smaller, with an interval that excludes 0, than that of hybrid."
    )
