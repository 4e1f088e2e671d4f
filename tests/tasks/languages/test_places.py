"""Languages of what stands where."""

import pytest
from probe_sandwich.tasks.languages.language import Language
from probe_sandwich.tasks.languages.places import (
    ADJACENT,
    CONTAINS,
    FIRST_LAST,
    FIRST_OCCURRENCE,
    LAST_OCCURRENCE,
    RECALL,
    SORTED,
    SUBSEQUENCE,
)

from tests.tasks.languages.rules import is_member


@pytest.mark.parametrize(
    ("language", "text", "inside"),
    [
        (FIRST_LAST, "abca", True),
        (FIRST_LAST, "aab", False),
        (CONTAINS, "caba", True),
        (CONTAINS, "abba", False),
        (CONTAINS, "ab", False),
        (SORTED, "abbd", True),
        (SORTED, "acb", False),
        (LAST_OCCURRENCE, "bcac", True),
        (LAST_OCCURRENCE, "abc", False),
        (LAST_OCCURRENCE, "ccc", False),
        (SUBSEQUENCE, "aabcc", True),
        (SUBSEQUENCE, "cba", False),
        (ADJACENT, "abab", True),
        (ADJACENT, "abba", False),
        (FIRST_OCCURRENCE, "cab", True),
        (FIRST_OCCURRENCE, "cba", False),
        (RECALL, "a0b0a1a", True),
        (RECALL, "a1b1a0a", False),
        (RECALL, "b1a0b", True),
    ],
)
def test_membership_is_a_matter_of_places(language: Language, text: str, inside: bool) -> None:
    assert is_member(language, text) is inside
