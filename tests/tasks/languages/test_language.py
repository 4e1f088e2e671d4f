"""What a formal language is, and the edits that lead over its border."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.languages.language import exchange, substitute, uniform
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.languages.pairs import LANGUAGES

from tests.tasks.languages.rules import RULES

ALL = pytest.mark.parametrize("name", list(LanguageName))


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


@pytest.mark.parametrize("name", [LanguageName.RECALL, LanguageName.COPY, LanguageName.DYCK2])
def test_every_length_that_a_language_has_gets_an_equal_share_of_all_that_was_asked_for(name: LanguageName) -> None:
    inputs = sample_formulas(LanguageTask(name=name), 33, 48, 800, 8)
    assert np.unique(inputs.lengths, return_counts=True)[1].tolist() == [100] * 8


def test_an_exchange_changes_no_count_and_a_substitution_one_place() -> None:
    rng = np.random.default_rng(0)
    strings = uniform(3)(8, 200, rng)
    exchanged, substituted = exchange(strings, rng), substitute(3)(strings, rng)
    assert (np.sort(exchanged, axis=1) == np.sort(strings, axis=1)).all()
    assert set((exchanged != strings).sum(axis=1).tolist()) == {0, 2}
    assert set((substituted != strings).sum(axis=1).tolist()) == {1}
    assert substituted.max() == 2


def test_a_string_of_one_symbol_has_nothing_to_exchange() -> None:
    rng = np.random.default_rng(0)
    strings = uniform(3)(1, 5, rng)
    assert (exchange(strings, rng) == strings).all()
