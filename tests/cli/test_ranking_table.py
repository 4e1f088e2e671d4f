"""A ranking as a person reads it, as JSON and as CSV."""

import csv
import json
from pathlib import Path

import pytest
from probe_sandwich.answer import Doubt
from probe_sandwich.batch.question import Answered
from probe_sandwich.cli.ranking_table import Row, print_csv, print_json, print_table

from tests.cli.commands import words
from tests.diagnoses import diagnosis_of

BAD = Answered.failed(Path("run/bad.safetensors"), ValueError("the file is empty"))


def answered(name: str, *members: float, doubt: Doubt | None = None, **checkpoint: object) -> Answered:
    return Answered(file=f"run/{name}.safetensors", diagnosis=diagnosis_of(*members, doubt=doubt, **checkpoint))


def printed(capsys: pytest.CaptureFixture[str], *answers: Answered) -> str:
    print_table(Row.of(answers, {}))
    return words(capsys.readouterr().out)


def test_the_ranked_stand_first_and_the_others_as_they_were_given() -> None:
    rows = Row.of([BAD, answered("low", 0.1, 0.2), answered("high", 0.8, 0.9)], {"run/high.safetensors": 7})
    assert [(row.file, row.rank, row.step) for row in rows] == [
        ("run/high.safetensors", 1, 7),
        ("run/low.safetensors", 2, None),
        ("run/bad.safetensors", None, None),
    ]
    assert rows[-1].reason == "the file is empty"


def test_the_one_that_stands_ahead_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, answered("low", 0.1, 0.2), answered("high", 0.8, 0.9))
    assert "high.safetensors stands ahead" in said
    assert "tie" not in said


def test_where_none_is_called_a_generalizer_the_first_is_not_praised_alone(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, answered("low", 0.1, 0.2), answered("high", 0.3, 0.4))
    assert "high.safetensors stands ahead: every member of the ensemble puts it above the others. None of them" in said
    assert "None of them is called a generalizer." in said
    assert "None" not in printed(capsys, answered("low", 0.1, 0.2), answered("high", 0.8, 0.9))


def test_shares_have_six_digits(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(Row.of([answered("one", 0.049299800000000005)], {}))
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert row["probability"] == "0.0493"


def test_a_tie_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, answered("one", 0.1, 0.9), answered("other", 0.2, 0.3))
    assert "2 of 2 may stand first: the members of the ensemble do not all put one ahead" in said
    assert "1-2" in said


def test_a_withheld_number_stands_in_brackets_and_its_reason_below(capsys: pytest.CaptureFixture[str]) -> None:
    doubtful = answered("doubtful", 0.4, 0.6, doubt=Doubt.MEMBERS_DISAGREE)
    said = printed(capsys, answered("sure", 0.8, 0.9), doubtful)
    assert "(0.50)" in said
    assert doubtful.diagnosis is not None
    assert f"doubtful.safetensors: {doubtful.diagnosis.reason}" in said


def test_what_has_no_rank_is_listed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, BAD) == "No rank: bad.safetensors: the file is empty"


def test_json_and_csv_hold_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    rows = Row.of([BAD, answered("high", 0.8, 0.9)], {})
    print_json(rows)
    as_json = json.loads(capsys.readouterr().out)
    print_csv(rows)
    as_csv = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert (
        [row["file"] for row in as_csv]
        == [row["file"] for row in [*as_json["ranking"], *as_json["without_rank"]]]
        == ["run/high.safetensors", "run/bad.safetensors"]
    )
    assert float(as_csv[0]["probability"]) == as_json["ranking"][0]["probability"]
    assert as_csv[1]["rank"] == ""


def test_tasks_are_not_compared_with_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, answered("a", 0.1), answered("b", 0.2), answered("c", 0.9, task="parity"))
    assert "conjunction, T = 12:" in said
    assert "parity, T = 12:" in said
    assert "b.safetensors stands ahead" in said
    assert "c.safetensors stands ahead" not in said
    assert "Ranks of another task or T do not compare" in said


@pytest.mark.parametrize("name", ['=HYPERLINK("x")', "+1", "-1", "@SUM(1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_no_cell_of_the_csv(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(Row.of([Answered.failed(Path(name), ValueError("=1+1"))], {}))
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert (row["file"], row["reason"]) == (f"'{name}".replace("\r", "\\r"), "'=1+1")
