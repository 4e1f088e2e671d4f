"""Answers in a file: what is there is not asked again, unless file or question have changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from probe_sandwich.batch.question import Answered, FileProblem, Question
from probe_sandwich.batch.results import NotOurResults, Results
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

from tests.diagnoses import diagnosis_of

Written = Callable[..., Results]


@pytest.fixture
def question() -> Question:
    return Question(Settings().model, "cpu", Options())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.safetensors"
    path.write_bytes(b"weights")
    return path


def answered(file: Path) -> Answered:
    return Answered(file=str(file), diagnosis=diagnosis_of(0.5, 0.6))


def test_what_was_appended_is_known_again(tmp_path: Path, file: Path, question: Question) -> None:
    Results(tmp_path / "out" / "results.jsonl", question, [file]).append(answered(file))
    again = Results(tmp_path / "out" / "results.jsonl", question, [file])
    assert again.known() == {str(file): answered(file)}


def test_a_line_is_that_of_classify_and_what_was_asked(tmp_path: Path, file: Path, question: Question) -> None:
    Results(tmp_path / "results.jsonl", question, [file]).append(answered(file))
    line = json.loads((tmp_path / "results.jsonl").read_text())
    assert len(line.pop("asked")) == 64
    assert line == answered(file).facts


def test_a_file_that_has_changed_is_asked_again(tmp_path: Path, file: Path, question: Question) -> None:
    Results(tmp_path / "results.jsonl", question, [file]).append(answered(file))
    file.write_bytes(b"other weights")
    assert Results(tmp_path / "results.jsonl", question, [file]).known() == {}


def test_another_question_is_asked_again(tmp_path: Path, file: Path, question: Question) -> None:
    Results(tmp_path / "results.jsonl", question, [file]).append(answered(file))
    (tmp_path / "inputs.txt").write_text("ab\n")
    for changed in ({"options": Options(seed=1)}, {"inputs": tmp_path / "inputs.txt"}):
        assert Results(tmp_path / "results.jsonl", replace(question, **changed), [file]).known() == {}


def test_a_problem_is_asked_again(tmp_path: Path, file: Path, question: Question) -> None:
    results = Results(tmp_path / "results.jsonl", question, [file])
    results.append(Answered(file=str(file), problem=FileProblem(type="EmptyFile", detail="the file is empty")))
    assert results.known() == {}
    results.append(answered(file))
    assert results.known() == {str(file): answered(file)}


def test_the_half_line_of_a_run_that_was_killed_costs_nothing_else(
    tmp_path: Path, file: Path, question: Question
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"file": "one.safet')
    Results(path, question, [file]).append(answered(file))
    assert Results(path, question, [file]).known() == {str(file): answered(file)}


@pytest.mark.parametrize("line", [b"[]", b"5", b'{"asked": 1}', b"\xff", b"# notes of mine"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, file: Path, question: Question, line: bytes) -> None:
    path = tmp_path / "results.jsonl"
    Results(path, question, [file]).append(answered(file))
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(NotOurResults, match=r"line 2 of .*results\.jsonl"):
        Results(path, question, [file]).known()


@pytest.mark.parametrize("line", ['{"file": []}', '{"file": [], "asked": 1}', '{"file": "one", "asked": {}}'])
def test_a_line_of_another_version_is_passed_over(tmp_path: Path, file: Path, question: Question, line: str) -> None:
    (tmp_path / "results.jsonl").write_text(line)
    assert Results(tmp_path / "results.jsonl", question, [file]).known() == {}
