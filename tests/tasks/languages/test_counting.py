"""Languages of counts."""

import pytest
from probe_sandwich.tasks.languages.counting import EQUAL, MAJORITY, MODULO, PARITY, THRESHOLD
from probe_sandwich.tasks.languages.language import Language

from tests.tasks.languages.rules import is_member


@pytest.mark.parametrize(
    ("language", "text", "inside"),
    [
        (MAJORITY, "aab", True),
        (MAJORITY, "ab", False),
        (MAJORITY, "acc", True),
        (PARITY, "baba", True),
        (PARITY, "b", True),
        (PARITY, "abb", False),
        (MODULO, "aaab", True),
        (MODULO, "bb", True),
        (MODULO, "aa", False),
        (THRESHOLD, "abaca", True),
        (THRESHOLD, "aab", False),
        (EQUAL, "abcba", True),
        (EQUAL, "aab", False),
    ],
)
def test_membership_is_a_matter_of_counts(language: Language, text: str, inside: bool) -> None:
    assert is_member(language, text) is inside
