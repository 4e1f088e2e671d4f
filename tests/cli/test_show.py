"""Answers as a person reads them."""

from pathlib import Path

import pytest
from probe_sandwich import api
from probe_sandwich.answer import Diagnosis
from probe_sandwich.cli.show import show_diagnosis

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
