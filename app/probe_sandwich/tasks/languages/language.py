"""What a formal language is here: an alphabet, membership, strings near its border, and an edit that may cross it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Strings = NDArray[np.uint8]
"""Symbol ids, numbers in the alphabet, of strings of one length: `(strings, length)`."""
Edit = Callable[[Strings, np.random.Generator], Strings]


@dataclass(frozen=True)
class Language:
    """`member(strings)` is the exact label `(strings,)`; `draw(length, count, rng)` gives strings near the border, of
    each length that `has`; `edit` changes each a little, so that some of them cross it.
    """

    alphabet: tuple[str, ...]
    draw: Callable[[int, int, np.random.Generator], Strings]
    member: Callable[[Strings], NDArray[np.bool_]]
    edit: Edit
    has: Callable[[int], bool] = lambda length: length > 0


def exchange(strings: Strings, rng: np.random.Generator) -> Strings:
    """Two random places of each string exchange their symbols: no count of symbols changes."""
    count, length = strings.shape
    if length < 2:
        return strings
    one = rng.integers(length, size=(count,))
    other = (one + rng.integers(1, length, size=(count,))) % length
    return exchanged(strings, one, other)


def exchanged(strings: Strings, one: NDArray[np.int64], other: NDArray[np.int64]) -> Strings:
    """Strings whose places `one (strings,)` and `other (strings,)` have changed their symbols."""
    rows = np.arange(len(strings))
    edited = strings.copy()
    edited[rows, one], edited[rows, other] = strings[rows, other], strings[rows, one]
    return edited


def substitute(symbols: int) -> Edit:
    """One random place of each string gets another symbol: where membership is a matter of counts, no exchange would
    change it."""

    def edit(strings: Strings, rng: np.random.Generator) -> Strings:
        rows, place = np.arange(len(strings)), rng.integers(strings.shape[1], size=len(strings))
        edited = strings.copy()
        edited[rows, place] = (strings[rows, place] + rng.integers(1, symbols, size=len(strings))) % symbols
        return edited

    return edit


def uniform(symbols: int) -> Callable[[int, int, np.random.Generator], Strings]:
    """Strings of independent symbols, all equally likely."""

    def draw(length: int, count: int, rng: np.random.Generator) -> Strings:
        return rng.integers(symbols, size=(count, length), dtype=np.uint8)

    return draw
