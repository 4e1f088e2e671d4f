"""How somebody's module reads inputs, said by who knows it."""

from typing import Any

import pytest
from probe_sandwich.subjects.foreign.errors import UnusableReading
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS
from probe_sandwich.tasks.task import OwnTask

FRAMED = Reading(vocabulary=("<", ">", "_", "a", "b"), train_max_length=8, begin="<", end=">", pad="_")


def test_without_a_task_it_is_one_of_the_users_own_over_what_is_not_special() -> None:
    assert FRAMED.task == OwnTask(name="own", alphabet=("a", "b"))


def test_a_built_in_task_is_given_by_its_name() -> None:
    reading = Reading.model_validate({"vocabulary": FORMULA_SYMBOLS, "train_max_length": 8, "task": Task().name})
    assert reading.task == Task()


def test_ids_are_the_modules_own() -> None:
    assert FRAMED.own_ids == (3, 4, 0, 2)
    assert (FRAMED.frame, FRAMED.end_id, FRAMED.pad_id) == (2, 1, 2)


def test_without_special_symbols_nothing_frames_an_input_and_a_symbol_stands_where_nothing_is_seen() -> None:
    bare = Reading.model_validate({"vocabulary": ("a", "b"), "train_max_length": 8})
    assert (bare.frame, bare.end_id, bare.pad_id, bare.special) == (0, None, 0, ())


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"vocabulary": ("a", "b", "a")}, "names a symbol twice"),
        ({"pad": "?"}, r"special symbol '\?' is not in the vocabulary"),
        ({"task": Task().name}, "lacks .* of the task; name them in `symbols`"),
        ({"train_max_length": 3}, "^train_max_length: "),
        ({"padding": "a"}, "^padding: "),
        (
            {"task": "conjuction"},
            r"^task: 'conjuction' is unknown; built-in ones are conjunction, .*, or give an alphabet",
        ),
        ({"vocabulary": ("a", "b"), "pad": "a"}, "^vocabulary: it has 1 symbols beside pad, begin and end"),
    ],
)
def test_what_contradicts_itself_is_named(facts: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {"vocabulary": ("a", "b", "c"), "train_max_length": 8}
    with pytest.raises(UnusableReading, match=message) as refused:
        Reading(**usual | facts)
    assert "http" not in str(refused.value)
