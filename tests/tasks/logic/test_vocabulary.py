"""Symbols and their ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS, UnknownSymbol, decode, encode


@given(st.text(FORMULA_SYMBOLS))
def test_decoding_undoes_encoding(text: str) -> None:
    assert decode(encode(text)) == text


def test_an_unknown_symbol_is_named() -> None:
    with pytest.raises(UnknownSymbol, match="'x'"):
        encode("a&x")
