"""What is asked of every file, and what came of one."""

from dataclasses import replace
from pathlib import Path

import pytest
from probe_sandwich.batch.question import Answered, Question
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings
from pydantic import ValidationError

from tests.diagnoses import diagnosis_of

QUESTION = Question(Settings().model, "cpu", Options(direct_test=False, noise_draws=1))


def test_the_fingerprint_tells_what_changes_answers_from_what_does_not(tmp_path: Path) -> None:
    inputs, same_inputs, others = (tmp_path / name for name in ("one", "same", "others"))
    for path, content in ((inputs, "ab\n"), (same_inputs, "ab\n"), (others, "ba\n")):
        path.write_text(content)
    asked = replace(QUESTION, inputs=inputs)
    assert replace(QUESTION, inputs=same_inputs).fingerprint == asked.fingerprint
    changed = [
        QUESTION,
        replace(QUESTION, inputs=others),
        replace(QUESTION, labelled=inputs),
        replace(asked, options=Options(direct_test=False, noise_draws=2)),
    ]
    assert len({asked.fingerprint, *(one.fingerprint for one in changed)}) == 1 + len(changed)


def test_the_meta_classifier_is_loaded_once_a_process() -> None:
    assert QUESTION.meta_classifier is replace(QUESTION, options=Options()).meta_classifier


def test_an_answer_comes_back_from_its_facts() -> None:
    answered = Answered(file="one.safetensors", diagnosis=diagnosis_of(0.8, 0.9))
    assert Answered.of_facts(answered.facts) == answered
    assert answered.facts["file"] == "one.safetensors"
    assert "problem" not in answered.facts


def test_a_failure_comes_back_from_its_facts_with_the_name_of_the_error() -> None:
    failed = Answered.failed(Path("bad.safetensors"), EOFError("it ends too early"))
    assert failed.facts == {
        "file": "bad.safetensors",
        "problem": {"type": "EOFError", "detail": "it ends too early"},
    }
    assert Answered.of_facts(failed.facts) == failed


def test_facts_of_something_else_are_no_answer() -> None:
    with pytest.raises(ValidationError):
        Answered.of_facts({"file": "one.safetensors", "verdict": "yes"})
