"""Formal languages: exact labels, balanced at every length, and as little told by counts as the language allows."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.datasets import NoFormulas, sample_formulas
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.languages.pairs import LANGUAGES
from probe_sandwich.tasks.shortcuts import bag_of_symbols, bag_of_symbols_accuracy
from probe_sandwich.tasks.source import NoSampler
from probe_sandwich.tasks.splits import Split
from probe_sandwich.tasks.task import OwnTask


def _balanced(text: str) -> bool:
    """Brackets cancelled until none do."""
    while (shorter := text.replace("x", "").replace("()", "").replace("[]", "")) != text:
        text = shorter
    return text == ""


def _last_value(text: str) -> str:
    return text[text.rindex(text[-1], 0, len(text) - 1) + 1] if text[-1] in text[:-1:2] else ""


RULES: dict[LanguageName, Callable[[str], bool]] = {
    LanguageName.MAJORITY: lambda text: text.count("a") > text.count("b"),
    LanguageName.PARITY: lambda text: text.count("a") % 2 == 0,
    LanguageName.MODULO: lambda text: text.count("a") % 3 == 0,
    LanguageName.FIRST_LAST: lambda text: text[0] == text[-1],
    LanguageName.CONTAINS: lambda text: "aba" in text,
    LanguageName.SORTED: lambda text: list(text) == sorted(text),
    LanguageName.LAST_OCCURRENCE: lambda text: text.rfind("a") > text.rfind("b"),
    LanguageName.RECALL: lambda text: _last_value(text) == "1",
    LanguageName.COPY: lambda text: text.count("#") == 1 and text.split("#")[0] == text.split("#")[1],
    LanguageName.PALINDROME: lambda text: text == text[::-1],
    LanguageName.DYCK1: _balanced,
    LanguageName.DYCK2: _balanced,
    LanguageName.SUBSEQUENCE: lambda text: re.search("a.*b.*c", text) is not None,
    LanguageName.ADJACENT: lambda text: re.search(r"(.)\1", text) is None,
    LanguageName.FIRST_OCCURRENCE: lambda text: next((symbol for symbol in text if symbol in "ab"), "") == "a",
    LanguageName.THRESHOLD: lambda text: text.count("a") >= 3,
    LanguageName.EQUAL: lambda text: text.count("a") == text.count("b"),
}
"""Each language once more, as a reader of one string would put it."""
ALL = pytest.mark.parametrize("name", list(LanguageName))


@ALL
@given(seed=st.integers(0, 2**32 - 1), shortest=st.integers(1, 40))
def test_labels_are_what_the_rule_says(name: LanguageName, seed: int, shortest: int) -> None:
    inputs = sample_formulas(LanguageTask(name=name), shortest, shortest + 12, 60, seed)
    assert [RULES[name](text) for text in inputs.texts()] == inputs.satisfiable.tolist()


@ALL
@given(data=st.data())
def test_membership_of_any_string_is_what_the_rule_says(name: LanguageName, data: st.DataObject) -> None:
    """Not only of strings that are drawn near the border."""
    alphabet = alphabet_of(LanguageTask(name=name))
    length = data.draw(st.integers(1, 12))
    if name is LanguageName.RECALL:
        pairs = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(3, 4)), min_size=1, max_size=6))
        ids = [symbol for pair in pairs for symbol in pair] + [data.draw(st.sampled_from([key for key, _ in pairs]))]
    else:
        ids = data.draw(st.lists(st.integers(0, len(alphabet) - 1), min_size=length, max_size=length))
    inside = LANGUAGES[name].member(np.array([ids], np.uint8))
    assert inside.tolist() == [RULES[name]("".join(alphabet[index] for index in ids))]


@ALL
def test_half_of_the_inputs_are_in_the_language_at_every_length_and_none_stands_in_both_splits(
    name: LanguageName,
) -> None:
    task = LanguageTask(name=name)
    training, evaluation = (sample_formulas(task, 1, 24, 1000, 3, split) for split in Split)
    for inputs in (training, evaluation):
        for length in np.unique(inputs.lengths):
            assert inputs.satisfiable[inputs.lengths == length].mean() == 0.5
    assert not set(training.texts()) & set(evaluation.texts())


@ALL
def test_a_pair_differs_in_two_places_at_most(name: LanguageName) -> None:
    inputs = sample_formulas(LanguageTask(name=name), 16, 32, 400, 4)
    differences = (inputs.ids[0::2] != inputs.ids[1::2]).sum(axis=1)
    assert differences.min() >= 1
    assert differences.max() <= 2


@ALL
def test_counts_and_length_tell_nothing_unless_counts_are_what_is_asked(name: LanguageName) -> None:
    train, test = (sample_formulas(LanguageTask(name=name), 17, 32, 1000, seed) for seed in (5, 6))
    if name in (LanguageName.MAJORITY, LanguageName.THRESHOLD):
        assert bag_of_symbols_accuracy(train, test)["linear"] > 0.95
    elif name in (LanguageName.PARITY, LanguageName.MODULO, LanguageName.EQUAL):
        assert bag_of_symbols_accuracy(train, test)["linear"] <= 0.55
    else:
        assert (bag_of_symbols(test)[0::2] == bag_of_symbols(test)[1::2]).all()


@ALL
def test_another_way_to_draw_gives_other_inputs_of_the_same_language(name: LanguageName) -> None:
    usual, other = (sample_formulas(LanguageTask(name=name), 16, 24, 200, 7, otherwise=o) for o in (False, True))
    assert set(usual.texts()) != set(other.texts())
    assert [RULES[name](text) for text in other.texts()] == other.satisfiable.tolist()


def test_a_length_without_strings_is_left_out() -> None:
    with pytest.raises(NoFormulas):
        sample_formulas(LanguageTask(name=LanguageName.COPY), 8, 8, 10, 0)
    inputs = sample_formulas(LanguageTask(name=LanguageName.COPY), 8, 11, 10, 0)
    assert set(inputs.lengths.tolist()) == {9, 11}


@pytest.mark.parametrize("name", [LanguageName.RECALL, LanguageName.COPY, LanguageName.DYCK2])
def test_every_length_that_a_language_has_gets_an_equal_share_of_all_that_was_asked_for(name: LanguageName) -> None:
    inputs = sample_formulas(LanguageTask(name=name), 33, 48, 800, 8)
    assert np.unique(inputs.lengths, return_counts=True)[1].tolist() == [100] * 8


def test_filled_brackets_of_one_length_are_of_any_number() -> None:
    inputs = sample_formulas(LanguageTask(name=LanguageName.DYCK1), 24, 24, 200, 9)
    assert len({text.count("(") for text in inputs.texts()}) > 5


def test_inputs_of_a_task_of_ones_own_cannot_be_drawn() -> None:
    with pytest.raises(NoSampler, match="Give labelled ones"):
        sample_formulas(OwnTask(name="mine", alphabet=("x", "y")), 1, 8, 10, 0)
