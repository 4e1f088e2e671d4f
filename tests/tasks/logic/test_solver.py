"""Exact labels: the truth table against PySAT, on formulas of every shape."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.tasks.logic.solver import MalformedFormula, reference_satisfiable, satisfiable
from probe_sandwich.tasks.logic.vocabulary import VARIABLES

formula_texts = st.recursive(
    st.sampled_from(VARIABLES),
    lambda inner: st.one_of(
        inner.map("~({})".format),
        st.tuples(inner, st.sampled_from("&|"), inner).map(lambda parts: "({}){}({})".format(*parts)),
        st.tuples(inner, st.sampled_from("&|"), inner).map("".join),
    ),
    max_leaves=12,
)


@given(formula_texts)
@settings(max_examples=300, deadline=None)
def test_truth_table_and_pysat_agree(text: str) -> None:
    assert satisfiable(text) == reference_satisfiable(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a&~b&b", False), ("a|~a&b", True), ("~a&(b|a)&~b", False), ("~~a", True), ("a&b|~a&c", True)],
)
def test_precedence_is_not_and_or(text: str, expected: bool) -> None:
    assert satisfiable(text) is expected


@pytest.mark.parametrize("text", ["", "a&", "(a", "a)", "ab", "&a", "~", "x"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(MalformedFormula):
        satisfiable(text)
