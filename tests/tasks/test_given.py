"""Inputs of the user's own, as lines of text or JSON."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.tasks.given import (
    GivenInputs,
    UnusableInputs,
    given_in,
    given_of,
    read_given,
    read_labelled,
    read_unlabelled,
)
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.task import OwnTask

WORDS = OwnTask(name="words", alphabet=("x1", "x2", "&"))
BRACKETS = LanguageTask(name=LanguageName.DYCK2)
OWN_BRACKETS = OwnTask(name="brackets", alphabet=("(", ")", "[", "]"))
EIGHT = ("()", "[]", "([])", "[()]", "()()", "[][]", "(())", "[[]]")


def test_lines_of_text_are_cut_into_symbols() -> None:
    assert read_unlabelled("\n".join(EIGHT), BRACKETS, 12) == tuple(map(tuple, EIGHT))


def test_longer_symbols_stand_apart() -> None:
    lines = [" ".join(["x1", *["&", "x2"] * count]) for count in range(8)]
    assert read_unlabelled("\n".join(lines), WORDS, 16)[1] == ("x1", "&", "x2")


@given(st.lists(st.lists(st.sampled_from(WORDS.alphabet), min_size=1, max_size=6), min_size=8, unique_by=tuple))
def test_json_lines_and_text_say_the_same(inputs: list[list[str]]) -> None:
    forms = [
        "\n".join(json.dumps({"input": one}) for one in inputs),
        "\n".join(json.dumps(one) for one in inputs),
        "\n".join(" ".join(one) for one in inputs),
    ]
    assert {read_unlabelled(form, WORDS, 6) for form in forms} == {tuple(map(tuple, inputs))}


def test_labelled_inputs_come_sorted_by_length() -> None:
    text = '{"input": "(())", "label": 1}\n\n{"input": "(]", "label": false}\n'
    labelled = read_labelled(text, BRACKETS, 12, 2)
    assert list(labelled.texts()) == ["(]", "(())"]
    assert labelled.satisfiable.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("()\n(x)", "line 2 holds 'x'"),
        ("()\n" + "()" * 7, "line 2 has 14 symbols"),
        ("()\n()\n[]", "2 different"),
        ('{"text": "()"}', "line 1 has no input"),
        ("[1, 2]", "line 1 holds 1"),
        ("\n".join(["()"] * 5000), "more than 4096"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_line(text: str, says: str) -> None:
    with pytest.raises(UnusableInputs, match=says):
        read_unlabelled(text, BRACKETS, 12)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("()", "line 1 has no label"),
        ('{"input": "()", "label": 2}', "whole numbers below 2"),
        ('{"input": "()", "label": "yes"}', "whole numbers below 2"),
        ('{"input": "", "label": 1}', "has 0 symbols"),
        ("", "no labelled inputs"),
        (
            f'{{"input": "{"()" * 24}", "label": 1}}\n{{"input": "{"()" * 24}(", "label": 1}}',
            "line 2 has 49 symbols; .* 4T = 48",
        ),
    ],
)
def test_labelled_inputs_that_cannot_be_used_are_named_too(text: str, says: str) -> None:
    with pytest.raises(UnusableInputs, match=says):
        read_labelled(text, BRACKETS, 12, 2)


def test_an_own_task_may_have_more_classes_than_two() -> None:
    assert read_labelled('{"input": "x1 & x2", "label": 2}', WORDS, 12, 3).satisfiable.tolist() == [2]


@pytest.mark.parametrize(
    ("part", "content", "says"),
    [
        ("inputs", b"()()()", "inputs: line 1 has 6 symbols"),
        ("inputs", b"\xff\xfe", "inputs: it is no text in UTF-8"),
        ("labelled", b"()", "labelled: line 1 has no label"),
        (
            "labelled",
            b'{"input": "()", "label": 0}',
            "labelled: 1 different inputs of at most T = 4 symbols, of 1 class",
        ),
    ],
)
def test_a_complaint_says_of_which_file_it_is(part: str, content: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_bytes(content)
    files: dict[str, Path | None] = {"inputs": None, "labelled": None} | {part: file}
    with pytest.raises(UnusableInputs, match=says):
        read_given(files["inputs"], files["labelled"], OWN_BRACKETS, 4, 2)


SHORT = [f"{first}{second}{third}" for first in "()[]" for second in "()[]" for third in "()[]"]


def labels(inputs: list[str], ones: int) -> str:
    return "\n".join(json.dumps({"input": one, "label": int(row < ones)}) for row, one in enumerate(inputs))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (labels(SHORT[:31], 15), "31 different inputs of at most T = 4 symbols, of 2 classes; give at least 32 such"),
        (labels([*SHORT[:31], SHORT[0]], 15), "31 different inputs"),
        (labels([*SHORT[:31], "()()()"], 15), "31 different inputs"),
        (labels(SHORT[:32], 0), "32 different inputs of at most T = 4 symbols, of 1 classes"),
    ],
)
def test_a_word_on_convergence_takes_enough_labelled_inputs_of_two_classes(text: str, says: str) -> None:
    with pytest.raises(UnusableInputs, match=says):
        given_in(None, text, OWN_BRACKETS, 4, 2)
    enough = given_in(None, labels(SHORT[:32], 16), OWN_BRACKETS, 4, 2).labelled
    assert enough is not None
    assert len(enough) == 32


def entries(inputs: list[str], ones: int) -> list[tuple[str, int]]:
    return [(one, int(row < ones)) for row, one in enumerate(inputs)]


LONG = ["()" * 2 + one for one in SHORT[:20]]
BALANCED = entries(SHORT[:40], 20)


@pytest.mark.parametrize(
    ("labelled", "says"),
    [
        (entries(SHORT[:60], 58), "58 of the 60 inputs of at most T = 4 symbols have the label 1"),
        (entries(SHORT[:40], 7), "33 of the 40 inputs of at most T = 4 symbols have the label 0"),
        ([*BALANCED, *entries(LONG, 20)], "20 of the 20 inputs of 5 to 2T = 8 symbols have the label 1"),
        ([*BALANCED, *entries(LONG, 3)], "17 of the 20 inputs of 5 to 2T = 8 symbols have the label 0"),
    ],
)
def test_inputs_by_which_one_answer_is_mostly_right_are_refused(labelled: list[tuple[str, int]], says: str) -> None:
    with pytest.raises(UnusableInputs, match=f"labelled: {says}, so that a model that always answers the same"):
        given_of([], labelled, OWN_BRACKETS, 4, 2)


@pytest.mark.parametrize(
    "labelled",
    [entries(SHORT[:40], 8), [*BALANCED, *entries(LONG, 16)], [*BALANCED, ("()" * 5, 1)]],
    ids=["a fifth", "a fifth of the long ones, too", "beyond 2T one class will do"],
)
def test_a_fifth_of_the_rarer_class_is_enough(labelled: list[tuple[str, int]]) -> None:
    assert given_of([], labelled, OWN_BRACKETS, 4, 2).labelled is not None


def test_one_long_input_does_not_make_many_short_ones_slow_to_read() -> None:
    short = [format(number, "012b").translate({48: "(", 49: ")"}) for number in range(4096)] * 5
    text = labels([*short, "()" * 24], len(short) // 2)
    started = time.process_time()
    given_in(None, text, BRACKETS, 12, 2)
    assert time.process_time() - started < 3


def test_where_a_built_in_tasks_inputs_are_drawn_given_ones_are_left_out() -> None:
    assert given_in("no input", None, Task(), 12, 2) == GivenInputs(left_out=True)
    assert given_in(None, "no input", Task(), 12, 2) == GivenInputs(left_out=True)
    assert given_of(["no input"], [], Task(), 12, 2) == GivenInputs(left_out=True)
    assert given_of([], [("no input", 1)], Task(), 12, 2) == GivenInputs(left_out=True)


def test_what_is_left_out_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "inputs.txt"
    path.write_bytes(b"\xff\xfe\xff")
    assert read_given(path, path, Task(), 12, 2) == GivenInputs(left_out=True)


def test_where_t_is_too_short_to_draw_any_given_ones_are_read() -> None:
    eight = "\n".join([*"abcde", "~a", "~b", "~c"])
    assert len(given_in(eight, None, Task(), 4, 2).unlabelled) == 8


def test_a_text_that_is_not_parted_where_symbols_are_long_is_told_how() -> None:
    with pytest.raises(UnusableInputs, match=r"holds 'x1x2&'; .* part symbols by blanks.* Reading\(begin="):
        read_unlabelled("x1x2&", WORDS, 12)
    with pytest.raises(UnusableInputs, match=r"the task's symbols are x1 x2 &$"):
        read_unlabelled('["x3"]', WORDS, 12)


PAIRS = [(one, row % 2) for row, one in enumerate(SHORT[:32])]


@pytest.mark.parametrize("number", [int, np.int64, torch.tensor])
def test_labelled_inputs_in_memory_are_pairs_or_objects(number: Callable[[int], int]) -> None:
    objects = [{"input": one, "label": number(label)} for one, label in PAIRS]
    read = [given_of([], given, OWN_BRACKETS, 4, 2).labelled for given in (PAIRS, objects)]
    assert all(found is not None for found in read)
    assert len({tuple(found.satisfiable) for found in read if found is not None}) == 1


@pytest.mark.parametrize(
    ("unlabelled", "labelled", "says"),
    [
        ("inputs.txt", [], "inputs: a list is wanted, not str; of a file, give the lines"),
        (Path("inputs.txt"), [], "inputs: a list is wanted, not PosixPath"),
        ([7], [], "inputs: line 1 is 7; an input is a text or a list of symbols"),
        ([], "labelled.jsonl", "labelled: a list is wanted, not str"),
        ([], {"input": "()", "label": 1}, "labelled: a list is wanted, not dict"),
        ([], [("()", 1), {"text": "()", "label": 1}], "labelled: line 2 is .*; give pairs of an input and its class"),
        ([], [("()", "yes")], "labelled: line 1 is"),
        ([], [("()", 0.5)], "labelled: line 1 is"),
        ([], ["()"], "labelled: line 1 is"),
        ([], [7], "labelled: line 1 is"),
    ],
)
def test_what_is_no_list_of_inputs_in_memory_is_told_what_is_wanted(unlabelled: Any, labelled: Any, says: str) -> None:
    with pytest.raises(UnusableInputs, match=says):
        given_of(unlabelled, labelled, OWN_BRACKETS, 4, 2)


def test_nothing_given_is_nothing_read() -> None:
    assert read_given(None, None, BRACKETS, 12, 2) == GivenInputs()
