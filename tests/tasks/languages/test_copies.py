"""Copies and palindromes."""

import pytest
from probe_sandwich.tasks.datasets import NoFormulas, sample_formulas
from probe_sandwich.tasks.languages.copies import COPY, PALINDROME
from probe_sandwich.tasks.languages.language import Language
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask

from tests.tasks.languages.rules import is_member


def test_a_length_without_strings_is_left_out() -> None:
    with pytest.raises(NoFormulas):
        sample_formulas(LanguageTask(name=LanguageName.COPY), 8, 8, 10, 0)
    inputs = sample_formulas(LanguageTask(name=LanguageName.COPY), 8, 11, 10, 0)
    assert set(inputs.lengths.tolist()) == {9, 11}


@pytest.mark.parametrize(
    ("language", "text", "inside"),
    [
        (COPY, "ab#ab", True),
        (COPY, "#", True),
        (COPY, "ab#ba", False),
        (COPY, "a#b#a", False),
        (COPY, "abba", False),
        (PALINDROME, "abcba", True),
        (PALINDROME, "abba", True),
        (PALINDROME, "abca", False),
    ],
)
def test_the_second_half_repeats_the_first(language: Language, text: str, inside: bool) -> None:
    assert is_member(language, text) is inside
