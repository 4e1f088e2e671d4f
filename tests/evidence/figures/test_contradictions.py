"""What a probe says as a formula."""

import pytest
from probe_sandwich.evidence.figures.contradictions import clash_distance


@pytest.mark.parametrize(
    ("text", "distance"),
    [("a&~a", 3), ("a&b&c&~a", 7), ("~a&b&a&c", 4), ("a&b&c", None), ("a&b&~b&~a", 3), ("(a|b)&~a", None)],
)
def test_a_contradiction_is_as_wide_as_its_variables_stand_apart(text: str, distance: int | None) -> None:
    assert clash_distance(text) == distance
