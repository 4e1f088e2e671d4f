"""What can be wrong with somebody's module."""

import inspect

import pytest
from probe_sandwich.subjects.foreign import errors

CAUSES = [
    errors.UncallableModel("TypeError: no"),
    errors.WrongLogits("a str", 3, 2),
    errors.NonFiniteAnswers(),
    errors.AnswersNothing(),
    errors.TakesNoPlaces(),
    errors.FillersSeen(),
    errors.CountsItsSymbols(),
    errors.NoRoomForPlaces(20, 24),
]


def test_the_tree_at_the_top_of_the_module_is_that_of_its_classes() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        words = [word for word in line.split() if word.isidentifier() and hasattr(errors, word)]
        if words:
            depth = line.index(words[0]) // 4
            above = [*above[:depth], words[0]]
            drawn[words[0]] = above[-2] if depth else "ValueError"
    own = [one for one in vars(errors).values() if inspect.isclass(one) and one.__module__ == errors.__name__]
    assert drawn == {one.__name__: one.__base__.__name__ for one in own if one.__base__}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: type(cause).__name__)
def test_every_cause_says_what_to_do(cause: errors.UnusableModel) -> None:
    assert any(
        remedy in str(cause)
        for remedy in (
            "Give forward=",
            "or give forward=",
            "look at",
            "train it",
            "let its",
            "mask them",
            "Let its",
            "build it",
        )
    )


def test_messages_hold_the_facts() -> None:
    assert "logits of shape (3, 2)" in str(errors.WrongLogits("a str", 3, 2))
    assert "at most 20 symbols, and probes are placed on up to 24" in str(errors.NoRoomForPlaces(20, 24))
