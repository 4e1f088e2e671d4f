"""When a verdict is given, when it is withheld, and what is said of it."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from probe_sandwich.answer import Agreement, BucketResult, Definition, Doubt, LengthTestResult, ProbeContent, Verdict
from probe_sandwich.length_test import buckets, judge, wilson_interval
from probe_sandwich.sandwich.card import Card, KindRecord
from probe_sandwich.sandwich.meta_classifier import CARD as CARD_FILE
from probe_sandwich.subjects.config import Placing
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.task import AnyTask, OwnTask
from probe_sandwich.verdict import Asked, Decision, SubjectPrediction, decide

from tests.conftest import MODEL

CARD = Card.model_validate_json((MODEL / CARD_FILE).read_text()).model_copy(update={"threshold": 0.5})
CONJUNCTION = Task()
CONFIDENT = SubjectPrediction(
    probability=0.9,
    interval=(0.8, 0.95),
    members=(0.88, 0.9, 0.92),
    unlikeness=0.4,
    farthest="the mean margin is 0.3 standard deviations above theirs",
    split=False,
    placed=True,
    asked=Asked(ProbeContent.DRAWN, long_inputs=256, commonest=0.5),
)


MINE = OwnTask(name="mine", alphabet=("x", "y"))


@dataclass(frozen=True)
class Facts:
    """A subject of the zoo's own kind."""

    task: AnyTask = CONJUNCTION
    train_max_length: int = 12
    longest_formula: int | None = None
    placing: Placing = Placing.BY_POSITION
    untested_symbols: tuple[str, ...] = ()
    classes: int = 2


def accurate(in_distribution: float, long: float) -> LengthTestResult:
    """A direct test with these accuracies on (0, T] and beyond."""
    results = [
        BucketResult(
            min_length=bucket.min_length,
            max_length=bucket.max_length,
            relative=bucket.relative,
            formulas=1000,
            correct=round(1000 * accuracy),
            accuracy=accuracy,
            accuracy_low=interval[0],
            accuracy_high=interval[1],
        )
        for bucket, accuracy in zip(buckets(12), (in_distribution, *[long] * 4), strict=True)
        for interval in [wilson_interval(round(1000 * accuracy), 1000)]
    ]
    return judge(results, Definition())


def decided(test: LengthTestResult | None = None, facts: Facts = Facts(), **changes: Any) -> Decision:
    """The decision about a confident prediction, but for some changes."""
    return decide(facts, CARD, replace(CONFIDENT, **changes), test)


@pytest.mark.parametrize(
    ("probability", "verdict", "relation"),
    [
        (0.9, Verdict.GENERALIZER, "0.90 is at or above the threshold 0.50"),
        (0.5, Verdict.GENERALIZER, "0.50 is at or above the threshold 0.50"),
        (0.1, Verdict.NOT_GENERALIZER, "0.10 is below the threshold 0.50"),
    ],
)
def test_a_verdict_goes_by_the_cards_threshold(probability: float, verdict: Verdict, relation: str) -> None:
    decision = decided(accurate(0.99, 0.95), probability=probability)
    assert (decision.verdict, decision.reason) == (verdict, f"P(generalizer) = {relation}")


def test_a_verdict_without_a_direct_test_says_that_it_takes_convergence_for_granted() -> None:
    assert decided().reason.endswith("it takes for granted that the model has converged, which was not tested")
    assert "for granted" not in decided(unlikeness=1.6).reason


def test_a_verdict_of_a_meta_classifier_that_was_never_judged_says_so() -> None:
    never = CARD.model_copy(update={"track_record": None, "tasks": {}, "other_tasks": None})
    test = accurate(0.99, 0.95)
    assert decide(Facts(), never, CONFIDENT, test).reason.endswith(
        "was not measured (`probe-sandwich evaluate` does that)"
    )
    assert "not measured" not in decided(test).reason
    assert "not measured" not in decide(Facts(), never, replace(CONFIDENT, unlikeness=1.6), test).reason


@pytest.mark.parametrize(
    ("changes", "facts", "test", "doubt", "reason"),
    [
        ({"placed": False}, Facts(), None, Doubt.NOT_PLACED, "its positions cannot be chosen"),
        (
            {"probability": 0.6},
            Facts(task=MINE),
            None,
            Doubt.UNTRUSTED_KIND,
            "tasks that were left out of the training",
        ),
        ({"probability": float("nan")}, Facts(), None, Doubt.NOT_FINITE, "not finite numbers"),
        ({"unlikeness": 1.6}, Facts(), None, Doubt.UNLIKE_THE_ZOO, "1.6 times as far from them as the limit"),
        ({}, Facts(), accurate(0.949, 0.949), Doubt.NOT_CONVERGED, "has not converged: accuracy 0.949"),
        ({"split": True}, Facts(), None, Doubt.MEMBERS_DISAGREE, "more than a quarter of them"),
    ],
)
def test_it_abstains_and_says_why(
    changes: dict[str, Any], facts: Facts, test: LengthTestResult | None, doubt: Doubt, reason: str
) -> None:
    decision = decided(test, facts, **changes)
    assert (decision.verdict, decision.doubt) == (Verdict.ABSTAIN, doubt)
    assert reason in decision.reason


GIVEN = Asked(ProbeContent.GIVEN, long_inputs=32, commonest=0.95)


@pytest.mark.parametrize(
    ("asked", "doubt", "reason"),
    [
        (
            replace(GIVEN, content=ProbeContent.BARE),
            Doubt.BARE_PROBES,
            "(`inputs`), at least 32 different ones of 7 to",
        ),
        (replace(GIVEN, long_inputs=31), Doubt.TOO_FEW_INPUTS, "31 of the unlabelled inputs"),
        (replace(GIVEN, commonest=0.96), Doubt.ONE_ANSWER, "the same answer to 96% of the probes"),
    ],
)
def test_probes_unlike_those_that_it_was_measured_on_give_no_verdict(asked: Asked, doubt: Doubt, reason: str) -> None:
    decision = decided(asked=asked)
    assert (decision.verdict, decision.doubt) == (Verdict.ABSTAIN, doubt)
    assert reason in decision.reason
    assert decided(asked=GIVEN).verdict is Verdict.GENERALIZER


def test_a_verdict_by_given_inputs_holds_for_inputs_like_those_of_the_training() -> None:
    caveat = "it holds if the inputs that were given are like those it was trained on"
    assert caveat in decided(asked=GIVEN).reason
    assert caveat not in decided().reason
    assert caveat not in decided(asked=GIVEN, split=True).reason


@pytest.mark.parametrize(
    ("subjects", "accuracy", "verdict"),
    [
        (50, 0.80, Verdict.GENERALIZER),
        (49, 0.95, Verdict.ABSTAIN),
        (50, 0.79, Verdict.ABSTAIN),
        (21, 0.33, Verdict.ABSTAIN),
    ],
)
def test_a_verdict_on_a_task_is_given_where_enough_of_its_verdicts_were_right(
    subjects: int, accuracy: float, verdict: Verdict
) -> None:
    own = KindRecord(subjects=subjects, fewer=10, answered=0.9, accuracy=accuracy, auc=0.9)
    others = KindRecord(subjects=900, fewer=300, answered=0.9, accuracy=0.6, auc=0.94)
    card = CARD.model_copy(update={"tasks": {"conjunction": own}, "other_tasks": others})
    decision = decide(Facts(train_max_length=16), card, CONFIDENT, None)
    assert decision.verdict is verdict
    assert decision.doubt is (Doubt.UNTRUSTED_KIND if verdict is Verdict.ABSTAIN else None)
    if accuracy == 0.95:
        assert "left out of the training (of task conjunction too few were judged, or of one label)" in decision.reason
    if accuracy < 0.8:
        says = f"on {subjects} subjects of task conjunction, {accuracy:.2f} of the verdicts were right, too few"
        assert says in decision.reason


def test_a_task_that_it_got_wrong_gets_no_verdict_even_where_it_is_sure_and_other_tasks_are_trusted() -> None:
    wrong = KindRecord(subjects=21, fewer=5, answered=0.9, accuracy=0.33, auc=0.9, least_confidence=0.25)
    others = KindRecord(subjects=900, fewer=300, answered=0.5, accuracy=0.92, auc=0.9, least_confidence=0.25)
    card = CARD.model_copy(update={"tasks": {"conjunction": wrong}, "other_tasks": others})
    decision = decide(Facts(), card, replace(CONFIDENT, probability=0.99), None)
    assert (decision.verdict, decision.doubt) == (Verdict.ABSTAIN, Doubt.UNTRUSTED_KIND)
    told = (
        "on 19 of 21 subjects of task conjunction, those with P at least 0.25 from 0.5, 0.33 of the verdicts were right"
    )
    assert told in decision.reason


@pytest.mark.parametrize(("probability", "verdict"), [(0.9, Verdict.GENERALIZER), (0.6, Verdict.ABSTAIN)])
def test_on_a_task_that_is_judged_poorly_a_verdict_is_given_where_sure_ones_were_right(
    probability: float, verdict: Verdict
) -> None:
    own = KindRecord(subjects=40, fewer=12, answered=0.6, accuracy=0.9, auc=0.9, least_confidence=0.2)
    card = CARD.model_copy(update={"tasks": {"conjunction": own}, "other_tasks": None})
    decision = decide(Facts(), card, replace(CONFIDENT, probability=probability), None)
    assert decision.verdict is verdict
    told = "on task conjunction, verdicts were right often enough only where P was at least 0.2 from 0.5"
    assert (told in decision.reason) == (verdict is Verdict.ABSTAIN)


@pytest.mark.parametrize(("probability", "verdict"), [(0.9, Verdict.GENERALIZER), (0.6, Verdict.ABSTAIN)])
def test_on_a_task_never_seen_a_verdict_is_given_where_the_sandwich_is_sure(
    probability: float, verdict: Verdict
) -> None:
    others = KindRecord(subjects=900, fewer=300, answered=0.7, accuracy=0.87, auc=0.9, least_confidence=0.2)
    card = CARD.model_copy(update={"tasks": {}, "other_tasks": others})
    decision = decide(Facts(), card, replace(CONFIDENT, probability=probability), None)
    assert decision.verdict is verdict
    assert ("at least 0.2 from 0.5; P is 0.60, 0.10 from it" in decision.reason) == (verdict is Verdict.ABSTAIN)


REASONS_BY_RANK = [
    ({"placed": False}, "positions cannot be chosen"),
    ({"asked": replace(GIVEN, long_inputs=31)}, "31 of the unlabelled inputs"),
    ({"unlikeness": 2.0}, "unlike those of the zoo's"),
    ({"split": True}, "of two minds"),
]


@pytest.mark.parametrize(("stronger", "weaker"), list(pairwise(REASONS_BY_RANK)))
def test_of_two_reasons_the_stronger_is_given(
    stronger: tuple[dict[str, Any], str], weaker: tuple[dict[str, Any], str]
) -> None:
    reason = decided(**stronger[0], **weaker[0]).reason
    assert stronger[1] in reason
    assert weaker[1] not in reason


@pytest.mark.parametrize("changes", [{"placed": False}, {"unlikeness": 2.0}, {"split": True}])
def test_that_it_has_not_converged_comes_before_every_doubt_of_the_prediction(changes: dict[str, Any]) -> None:
    reason = decided(accurate(0.8, 0.5), **changes).reason
    assert reason.startswith("it has not converged: accuracy 0.800 on lengths it was trained on")


def test_a_subject_that_overflows_is_told_so_and_not_that_it_has_not_converged() -> None:
    assert "not finite numbers" in decided(accurate(0.5, 0.5), probability=float("nan")).reason


def test_without_a_meta_classifier_it_abstains() -> None:
    assert decide(Facts(), None, None, None).reason == "no meta-classifier is loaded"


@pytest.mark.parametrize(
    ("accuracy", "remark"),
    [
        (0.1, "check that class 1 means satisfiable"),
        (0.5, "at chance on lengths it was trained on: check the begin and end symbols, the order of the vocabulary"),
        (0.53, "at chance on lengths"),
        (0.54, "near chance on lengths"),
        (0.8, "if its own training reported more than 0.800"),
    ],
)
def test_a_subject_that_looks_misread_comes_with_a_remark(accuracy: float, remark: str) -> None:
    assert remark in decided(accurate(accuracy, 0.5)).reason


@pytest.mark.parametrize("longest", [None, 24, 48])
def test_where_places_reach_to_2t_nothing_is_said_of_them(longest: int | None) -> None:
    assert "position table" not in decided(facts=Facts(longest_formula=longest)).reason


def test_a_position_table_that_ends_before_2t_is_told() -> None:
    assert "its position table ends at 23 symbols, short of 2T = 24" in decided(facts=Facts(longest_formula=23)).reason
    moved = Facts(longest_formula=23, placing=Placing.BY_FILLERS)
    assert "position table" not in decided(facts=moved).reason


def test_symbols_that_no_formula_holds_are_named_up_to_eight() -> None:
    few, many = (decided(facts=Facts(untested_symbols=tuple("mnopqrstu"[:count]))).reason for count in (2, 9))
    assert "no input here holds m n of its vocabulary" in few
    assert "no input here holds m n o p q r s t … of its vocabulary" in many


@pytest.mark.parametrize(
    ("probability", "test", "agreement"),
    [
        (0.9, accurate(1.0, 0.95), Agreement.AGREE),
        (0.9, accurate(1.0, 0.5), Agreement.DISAGREE),
        (0.1, accurate(1.0, 0.5), Agreement.AGREE),
        (0.1, accurate(1.0, 0.95), Agreement.DISAGREE),
        (0.1, accurate(0.5, 0.5), Agreement.UNDECIDED),
        (0.9, None, Agreement.UNDECIDED),
    ],
)
def test_agreement_compares_verdict_and_direct_test(
    probability: float, test: LengthTestResult | None, agreement: Agreement
) -> None:
    assert decided(test, probability=probability).agreement is agreement
