"""Answers as a person reads them."""

from pathlib import Path

import pytest
from probe_sandwich import api
from probe_sandwich.answer import Diagnosis, MetaClassifierSummary
from probe_sandwich.cli.show import show_diagnosis, show_legend

from tests.cli.commands import words

EXAMPLE = Diagnosis.model_validate_json(Path(api.__file__).with_name("example_diagnosis.json").read_text())


def shown(capsys: pytest.CaptureFixture[str], **changes: object) -> str:
    """What is printed of an answer."""
    show_diagnosis(EXAMPLE.model_copy(update=changes))
    return words(capsys.readouterr().out)


def test_both_answers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys)
    assert f"P(generalizer) = {EXAMPLE.generalizer_probability:.2f}" in text
    assert f"Verdict: {EXAMPLE.verdict}" in text
    assert EXAMPLE.direct_test is not None
    for bucket in EXAMPLE.direct_test.buckets:
        assert f"{bucket.min_length}-{bucket.max_length} {bucket.relative} {bucket.correct}/{bucket.formulas}" in text


def test_the_legend_says_once_a_kind_what_verdicts_on_it_were_worth(capsys: pytest.CaptureFixture[str]) -> None:
    unseen = EXAMPLE.model_copy(update={"meta_classifier": judged(task=None, answered=0.47, accuracy=0.92)})
    known = EXAMPLE.model_copy(update={"meta_classifier": judged(task="conjunction", answered=1.0, accuracy=0.86)})
    withheld = EXAMPLE.model_copy(
        update={"meta_classifier": judged(task="cnf", answered=1.0, accuracy=0.33), "verdict": "abstain"}
    )
    show_legend([unseen, known, unseen, withheld])
    text = words(capsys.readouterr().out)
    assert text.count("on tasks that it had not seen, the sandwich gave verdicts on 47 of 100, 92 in 100 of them") == 1
    assert text.count("on other models of task conjunction, the sandwich gave verdicts on 100 of 100, 86 in 100") == 1
    assert "cnf" not in text


def judged(**changes: object) -> MetaClassifierSummary:
    """The example's meta-classifier with this record."""
    assert EXAMPLE.meta_classifier is not None
    assert EXAMPLE.meta_classifier.record is not None
    record = EXAMPLE.meta_classifier.record.model_copy(update=changes)
    return EXAMPLE.meta_classifier.model_copy(update={"record": record})


def test_no_probability_stands_beside_an_abstention(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, verdict="abstain", reason="it is too strange")
    assert "P(generalizer)" not in text
    assert "abstain (it is too strange)" in text


def test_a_bucket_that_could_not_be_run_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert EXAMPLE.direct_test is not None
    nothing = {"accuracy": None, "unreachable": "the position table ends"}
    buckets = [bucket.model_copy(update=nothing) for bucket in EXAMPLE.direct_test.buckets]
    test = EXAMPLE.direct_test.model_copy(update={"buckets": buckets, "long_accuracy": None})
    text = shown(capsys, direct_test=test)
    assert "accuracy unknown on (T, 2T]" in text
    assert text.count("the position table ends") == len(buckets)
