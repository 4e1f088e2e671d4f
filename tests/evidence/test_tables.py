"""Sentences say what the intervals say."""

from typing import Any

from probe_sandwich.evidence.tables import what_leads_show


def figures(low: float, auc: float, high: float) -> dict[str, Any]:
    return {"sandwich_lead": {"low": low, "auc": auc, "high": high}}


def test_a_lead_is_claimed_only_where_its_interval_excludes_zero() -> None:
    text = what_leads_show(
        {
            "sandwich": {"sandwich_lead": None},
            "in_distribution": figures(0.1, 0.2, 0.3),
            "placed_formulas": figures(-0.03, 0.007, 0.05),
            "an_oracle": figures(-0.2, -0.1, -0.05),
        }
    )
    assert text == (
        "The sandwich's AUC is larger, with an interval that excludes 0, than that of in distribution. "
        "No difference is shown to placed formulas. "
        "It is smaller, with an interval that excludes 0, than that of an oracle."
    )
