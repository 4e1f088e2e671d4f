"""The page of the report on what is asked."""

from probe_sandwich.evidence.figures.lead import Lead
from probe_sandwich.evidence.universal.asking import AskedPoint, Asking
from probe_sandwich.evidence.universal.asking_elsewhere import AskingElsewhere, ElsewherePoint
from probe_sandwich.evidence.universal.asking_report import asking_section
from probe_sandwich.evidence.universal.direct import DirectPoint
from probe_sandwich.evidence.universal.searching import AskingOn, LaterPoint, QuestionsPoint, Searching, ShownProbe


def point(probes: int, auc: float, spread: float) -> AskedPoint:
    return AskedPoint(probes=probes, tokens=1000.0 * probes, auc=auc, spread=spread, least=auc - 0.1)


def questions(budget: int, auc: float) -> QuestionsPoint:
    return QuestionsPoint(
        budget=budget, questions=budget / 20, tokens=budget - 2.0, auc=auc, spread=0.01, least=auc - 0.02, accuracy=0.75
    )


AHEAD, LEVEL = Lead(auc=0.1, low=0.05, high=0.15), Lead(auc=0.01, low=-0.02, high=0.04)
SEARCHING = Searching(
    random=[questions(200, 0.8), questions(1000, 0.9)],
    searched=[questions(200, 0.9), questions(1000, 0.91)],
    direct=[DirectPoint(formulas=9, tokens=201, auc=0.72), DirectPoint(formulas=45, tokens=1005, auc=0.95)],
    leads={200: AHEAD, 1000: LEVEL},
    direct_leads={200: AHEAD, 1000: LEVEL},
    asking_on=[AskingOn(sure=0.9, tokens=640.4, auc=0.93, accuracy=0.8)],
    placements={"shifted to 2T": 0.25, "parted to 2T": 0.75},
    shown=[ShownProbe(text="a&~a", share=0.8, placement="parted to 2T", generalizers=0.95, others=0.1)],
    reserve=12,
    later=[LaterPoint(budget=200, random=0.7, searched=0.85, lead=AHEAD)],
)
ASKING = Asking(
    subjects=40,
    configurations=20,
    candidates=64,
    random=[point(2, 0.7, 0.05), point(8, 0.8, 0.02)],
    learned=[point(2, 0.75, 0.04), point(8, 0.81, 0.03)],
    direct=[DirectPoint(formulas=9, tokens=2000, auc=0.72), DirectPoint(formulas=36, tokens=8000, auc=0.9)],
    leads={2: Lead(auc=0.05, low=0.01, high=0.09), 8: Lead(auc=0.01, low=-0.02, high=0.04)},
    direct_leads={2: AHEAD, 8: LEVEL},
    shown=[ShownProbe(text="a|b", share=0.5, placement="shifted up to 2T", generalizers=0.9, others=0.3)],
    searching=SEARCHING,
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
    assert "lead excludes 0 with so many probes: 2;" in page
    assert "varies less from noise to noise with these: 2;" in page
    assert "lead over a direct test with labels, at equal tokens, excludes 0 with these: 2." in page
    swapped = ASKING.model_copy(
        update={
            "random": ASKING.learned,
            "learned": ASKING.random,
            "leads": {2: None, 8: None},
            "direct_leads": {2: None, 8: LEVEL},
        }
    )
    page = "\n".join(asking_section(swapped))
    assert "lead excludes 0 with so many probes: none;" in page
    assert "varies less from noise to noise with these: 8;" in page
    assert "at equal tokens, excludes 0 with these: none." in page


def test_what_is_asked_is_shown_with_what_is_answered() -> None:
    assert "| `a\\|b` | 0.50 | shifted up to 2T | 0.90 | 0.30 |" in asking_section(ASKING)


def test_single_questions_stand_beside_random_ones_and_the_direct_test() -> None:
    page = "\n".join(asking_section(ASKING))
    assert (
        "| 200 | 10 | 0.800 ± 0.010, least 0.780 | 0.750 | 10 | 0.900 ± 0.010, least 0.880 | 0.750 | "
        "+0.100 (+0.050 to +0.150) | 201 | 0.720 | +0.100 (+0.050 to +0.150) |"
    ) in page
    assert "lead excludes 0 at 200 tokens, that of their lead over a direct test with labels at 200." in page
    assert "until 90% sure, 640 tokens on average, AUC 0.930, accuracy 0.800." in page
    assert "75% are parted to 2T, 25% are shifted to 2T." in page
    assert "| `a&~a` | 0.80 | parted to 2T | 0.95 | 0.10 |" in page


def test_the_reserve_stands_beside_them_where_there_is_one() -> None:
    page = "\n".join(asking_section(ASKING))
    assert "On the reserve, 12 subjects" in page
    assert "at 200 tokens 0.850, random 0.700, lead +0.100 (+0.050 to +0.150)." in page
    without = SEARCHING.model_copy(update={"reserve": 0, "later": []})
    assert "On the reserve" not in "\n".join(asking_section(ASKING.model_copy(update={"searching": without})))


def test_learned_questions_on_tasks_left_out_have_a_table_where_they_were_measured() -> None:
    assert "### On tasks left out" not in asking_section(ASKING)
    point = ElsewherePoint(
        questions=8,
        random_tokens=180,
        learned_tokens=190,
        random=0.78,
        learned=0.8,
        lead=AHEAD,
        random_within=0.77,
        learned_within=0.79,
        lead_within=LEVEL,
    )
    elsewhere = AskingElsewhere(tasks=["cnf", "dyck1"], subjects=120, points=[point])
    lines = asking_section(ASKING.model_copy(update={"elsewhere": elsewhere}))
    assert (
        "| 8 | 180 | 0.780 | 0.770 | 190 | 0.800 | 0.790 | +0.100 (+0.050 to +0.150) | +0.010 (-0.020 to +0.040) |"
    ) in lines
    assert any("120 subjects of 2 tasks" in line for line in lines)
    assert any("excludes 0 with 8 questions, that of the lead within tasks with none." in line for line in lines)
