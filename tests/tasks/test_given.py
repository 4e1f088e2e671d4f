"""Inputs of the user's own: what is read, and what is refused by its line."""

from pathlib import Path

import pytest
from probe_sandwich.tasks.given import GivenInputs, UnusableInputs, read_given, read_labelled, read_unlabelled
from probe_sandwich.tasks.task import OwnTask

TASK = OwnTask(name="mine", alphabet=("x", "y", "["))
WORDS = OwnTask(name="words", alphabet=("left", "right"))
LINES = ["xy", "yx", "xx", "yy", "xyx", "yxy", "x", "y"]


def test_lines_of_text_and_json_lines_say_the_same() -> None:
    as_json = ['"xy"', '["y", "x"]', '{"input": "xx"}', '{"input": ["y", "y"], "note": 1}', *LINES[4:]]
    expected = tuple(tuple(line) for line in LINES)
    assert read_unlabelled("\n".join(LINES), TASK, 3) == expected
    assert read_unlabelled("\n\n".join(as_json), TASK, 3) == expected


def test_a_bracket_may_be_a_symbol_and_longer_symbols_are_parted_by_blanks() -> None:
    assert read_unlabelled("\n".join([*LINES, "[x"]), TASK, 3)[-1] == ("[", "x")
    task = read_labelled('{"input": "left right left", "label": 1}', WORDS, 2)
    assert (task.alphabet, task.ids.tolist()) == (("left", "right"), [[0, 1, 0]])


def test_labelled_inputs_come_sorted_by_length_with_their_labels() -> None:
    rows = read_labelled('{"input": "xyxy", "label": 2}\n{"input": "y", "label": true}', TASK, 3)
    assert list(rows.texts()) == ["y", "xyxy"]
    assert rows.satisfiable.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n".join([*LINES, "xz"]), "line 9 holds 'z'; the task's symbols are x y ["),
        ("\n".join([*LINES, "xyxy"]), "line 9 has 4 symbols; unlabelled inputs have at most T = 3"),
        ("\n".join([*LINES, '{"text": "x"}']), "line 9 has no input"),
        ("\n".join([*LINES, "[]"]), "line 9 has 0 symbols"),
        ("x\nx\ny", "2 different unlabelled inputs; give at least 8"),
    ],
)
def test_unlabelled_inputs_that_cannot_be_used_are_named_by_their_line(text: str, words: str) -> None:
    with pytest.raises(UnusableInputs) as refused:
        read_unlabelled(text, TASK, 3)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("xy", "line 1 has no label"),
        (
            '{"input": "x", "label": 0}\n{"input": "x", "label": 2}',
            "line 2 has the label '2'; labels are whole numbers",
        ),
        ('{"input": "x", "label": "yes"}', "line 1 has the label 'yes'"),
        ("", "there are no labelled inputs in it"),
    ],
)
def test_labelled_inputs_that_cannot_be_used_are_named_by_their_line(text: str, words: str) -> None:
    with pytest.raises(UnusableInputs) as refused:
        read_labelled(text, TASK, 2)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("part", "content", "words"),
    [
        ("inputs", b"xyxyx", "inputs: line 1 has 5 symbols"),
        ("inputs", b"\xff\xfe", "inputs: it is no text in UTF-8"),
        ("labelled", b"xy", "labelled: line 1 has no label"),
        ("labelled", b'{"input": "xyxy", "label": 0}', "labelled: the shortest input has 4 symbols"),
    ],
)
def test_a_complaint_says_of_which_file_it_is(part: str, content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_bytes(content)
    files = {"inputs": None, "labelled": None} | {part: file}
    with pytest.raises(UnusableInputs, match=words):
        read_given(files["inputs"], files["labelled"], TASK, 3, 2)


def test_nothing_given_is_nothing_read() -> None:
    assert read_given(None, None, TASK, 3, 2) == GivenInputs()
