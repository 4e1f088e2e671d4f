"""`probe-sandwich formulas`."""

import json

import numpy as np
import pytest
from probe_sandwich.tasks.datasets import in_split
from probe_sandwich.tasks.given import read_labelled
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.canonical import canonical
from probe_sandwich.tasks.logic.solver import satisfiable
from probe_sandwich.tasks.logic.vocabulary import encode
from probe_sandwich.tasks.splits import Split

from tests.cli.commands import invoked, run, words


def test_formulas_sample_prints_labelled_json_lines() -> None:
    done = run("formulas", "sample", "--task", "cnf", "--min-length", "10", "--max-length", "20", "--count", "8")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 8
    assert all(satisfiable(line["formula"]) == line["satisfiable"] for line in lines)
    assert all(len(line["formula"]) == line["length"] for line in lines)


@pytest.mark.parametrize("split", Split)
def test_formulas_are_of_the_split_that_was_asked_for_and_of_the_training_split_by_default(split: Split) -> None:
    arguments = () if split is Split.TRAINING else ("--split", split.value)
    done = invoked("formulas", "sample", "--min-length", "12", "--max-length", "12", "--count", "200", *arguments)
    texts = [json.loads(line)["formula"] for line in done.stdout.splitlines()]
    assert len(texts) == 200
    assert in_split(canonical(np.array([encode(text) for text in texts], np.uint8)), split).all()


def test_inputs_of_a_language_have_labels_and_go_back_in_as_labelled_ones() -> None:
    done = invoked("formulas", "sample", "--task", "parity", "--min-length", "6", "--max-length", "6", "--count", "8")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(line) for line in lines] == [{"input", "label", "length"}] * 8
    assert all(line["label"] == (line["input"].count("a") % 2 == 0) for line in lines)
    read = read_labelled(done.stdout, LanguageTask(name=LanguageName.PARITY), 12, 2)
    assert list(read.texts()) == [line["input"] for line in lines]


def test_a_task_that_is_not_built_in_is_refused_with_those_that_are() -> None:
    done = invoked("formulas", "sample", "--task", "mine")
    assert done.exit_code == 2
    assert "'mine' is none of conjunction, cnf, formula, majority" in words(done.output)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--min-length", "9", "--max-length", "8"), "'--min-length': it is 9, over --max-length, which is 8"),
        (("--count", "3"), "'--count': it is 3, but inputs come in pairs, one of either class; give 4"),
    ],
)
def test_wrong_lengths_or_an_odd_count_end_as_any_wrong_option(options: tuple[str, ...], says: str) -> None:
    done = invoked("formulas", "sample", *options)
    assert (done.exit_code, says in words(done.output)) == (2, True)
