"""What an input is made like, whichever symbol is which."""

import numpy as np
from numpy.typing import NDArray
from probe_sandwich.sandwich.structure import STRUCTURE, structure


def of(text: str, alphabet: str = "ab~&", width: int = 12) -> dict[str, float]:
    ids = np.full((1, width), len(alphabet), np.uint8)
    ids[0, : len(text)] = [alphabet.index(symbol) for symbol in text]
    found: NDArray[np.float64] = structure(ids, np.array([len(text)]))
    return dict(zip(STRUCTURE, found[0].tolist(), strict=True))


def test_it_does_not_depend_on_which_symbol_is_which() -> None:
    assert of("a&~b&a", "ab~&") == of("a&~b&a", "&~ba")


def test_it_does_not_depend_on_the_padding() -> None:
    assert of("a&~b&a", width=6) == of("a&~b&a", width=12)


def test_it_tells_where_equal_symbols_stand() -> None:
    found = of("abba")
    assert found["same ends"] == 1
    assert found["repetition after 1"] == 1 / 3
    assert found["longest distance of equals"] == 3 / 4
    assert found["singles"] == 0
    assert found["carried over"] == 1


def test_every_number_is_finite_for_the_shortest_inputs() -> None:
    assert all(np.isfinite(list(of(text).values())).all() for text in ("a", "ab", "aa"))
