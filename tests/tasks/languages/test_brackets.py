"""Balanced brackets of one kind and of two."""

import pytest
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.languages.brackets import DYCK1, DYCK2
from probe_sandwich.tasks.languages.language import Language
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask

from tests.tasks.languages.rules import is_member


def test_filled_brackets_of_one_length_are_of_any_number() -> None:
    inputs = sample_formulas(LanguageTask(name=LanguageName.DYCK1), 24, 24, 200, 9)
    assert len({text.count("(") for text in inputs.texts()}) > 5


@pytest.mark.parametrize(
    ("language", "text", "inside"),
    [
        (DYCK1, "(x)x()", True),
        (DYCK1, "xx", True),
        (DYCK1, ")x(", False),
        (DYCK1, "(()", False),
        (DYCK2, "([])", True),
        (DYCK2, "([)]", False),
        (DYCK2, "(]", False),
        (DYCK2, "))((", False),
        (DYCK2, "[][", False),
    ],
)
def test_each_bracket_closes_the_last_that_is_open(language: Language, text: str, inside: bool) -> None:
    assert is_member(language, text) is inside
