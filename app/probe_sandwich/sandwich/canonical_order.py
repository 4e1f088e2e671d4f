"""An order of inputs that hangs neither on the order in which they came nor on what their symbols are called.

Which of them noise selects, and what stands where an edit draws, goes by their places in a list: two lists of the same
inputs are to get the same questions. Inputs and symbols are told apart by each other until no more can be (colour
refinement, Weisfeiler & Leman 1968).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MOST_ROUNDS = 16
_Ranks = NDArray[np.int64]


def in_canonical_order(inputs: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Different inputs by length, by the pattern in which their symbols return, then by where else their symbols stand.

    Inputs that nothing but the names of their symbols tells apart, or too little else, stay in the order in which they
    came.
    """
    number: dict[str, int] = {}
    rows = [[number.setdefault(symbol, len(number)) for symbol in one] for one in inputs]
    ids = _padded(rows)
    lengths = np.array([[len(row)] for row in rows])
    ranks = _ranked(np.hstack([lengths, _padded([_pattern(row) for row in rows])]))
    told_apart = 0
    for _ in range(_MOST_ROUNDS):
        symbols = _by_use(ids, ranks, len(number))
        # What is beyond an input's end is -1, and takes the last one's place.
        ranks = _ranked(np.hstack([ranks[:, None], np.append(symbols, -1)[ids]]))
        if (found := int(symbols.max() + ranks.max())) == told_apart:
            break
        told_apart = found
    return [inputs[place] for place in ranks.argsort(kind="stable").tolist()]


def _padded(rows: Sequence[Sequence[int]]) -> _Ranks:
    """Rows of numbers as `(rows, longest)`, -1 beyond the end of each."""
    padded = np.full((len(rows), max(map(len, rows))), -1, np.int64)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def _pattern(row: Sequence[int]) -> list[int]:
    """Each symbol as its number among those of the input, in the order of their first occurrence."""
    first: dict[int, int] = {}
    return [first.setdefault(symbol, len(first)) for symbol in row]


def _ranked(rows: _Ranks) -> _Ranks:
    """The place of each row among the different ones, sorted, `(rows,)`."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _by_use(ids: _Ranks, ranks: _Ranks, symbols: int) -> _Ranks:
    """The symbols, numbered by all the places at which they stand, in inputs of which rank, `(symbols,)`."""
    row, place = np.nonzero(ids >= 0)
    uses = ranks[row] * ids.shape[1] + place
    order = np.lexsort((uses, ids[row, place]))
    parts = np.split(uses[order], np.bincount(ids[row, place], minlength=symbols).cumsum()[:-1])
    signatures = [part.tobytes() for part in parts]
    number = {signature: place for place, signature in enumerate(sorted(set(signatures)))}
    return np.array([number[signature] for signature in signatures], np.int64)
