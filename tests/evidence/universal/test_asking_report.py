"""The page of the report on what is asked."""

from probe_sandwich.evidence.figures.lead import Lead
from probe_sandwich.evidence.universal.asking import AskedPoint, Asking, DirectPoint, ShownProbe
from probe_sandwich.evidence.universal.asking_report import asking_section


def point(probes: int, auc: float, spread: float) -> AskedPoint:
    return AskedPoint(probes=probes, tokens=1000.0 * probes, auc=auc, spread=spread, least=auc - 0.1)


ASKING = Asking(
    subjects=40,
    configurations=20,
    candidates=64,
    random=[point(2, 0.7, 0.05), point(8, 0.8, 0.02)],
    learned=[point(2, 0.75, 0.04), point(8, 0.81, 0.03)],
    direct=[DirectPoint(formulas=9, tokens=2000, auc=0.72), DirectPoint(formulas=36, tokens=8000, auc=0.9)],
    leads={2: Lead(auc=0.05, low=0.01, high=0.09), 8: Lead(auc=0.01, low=-0.02, high=0.04)},
    shown=[ShownProbe(text="a|b", share=0.5, placement="shifted up to 2T", generalizers=0.9, others=0.3)],
)


def test_a_row_holds_both_arms_their_lead_and_the_direct_test() -> None:
    assert (
        "| 2 | 2,000 | 0.700 ± 0.050, least 0.600 | 2,000 | 0.750 ± 0.040, least 0.650 | "
        "+0.050 (+0.010 to +0.090) | 2,000 | 0.720 |"
    ) in asking_section(ASKING)
    without = ASKING.model_copy(update={"leads": {2: None, 8: None}})
    assert "| - | 2,000 | 0.720 |" in "\n".join(asking_section(without))


def test_the_question_is_answered_by_the_figures_whichever_way_they_point() -> None:
    page = "\n".join(asking_section(ASKING))
    assert "lead excludes 0 with 2 probes" in page
    assert "varies less from noise to noise with 2;" in page
    assert "ahead of a direct test with labels, at equal tokens, with 2." in page
    swapped = ASKING.model_copy(
        update={"random": ASKING.learned, "learned": ASKING.random, "leads": {2: None, 8: None}}
    )
    page = "\n".join(asking_section(swapped))
    assert "lead excludes 0 with no number of probes" in page
    assert "varies less from noise to noise with 8;" in page
    assert "at equal tokens, with no number of." in page


def test_what_is_asked_is_shown_with_what_is_answered() -> None:
    assert "| `a\\|b` | 0.50 | shifted up to 2T | 0.90 | 0.30 |" in asking_section(ASKING)
