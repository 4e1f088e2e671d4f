"""What an input is made like, whichever symbol is which: where equal symbols stand, and how far apart."""

import numpy as np
from numpy.typing import NDArray

_LAGS = 6
STRUCTURE = (
    "length",
    "variety",
    "commonest",
    *(f"repetition after {lag}" for lag in range(1, 1 + _LAGS)),
    "same ends",
    "equal pairs",
    "mean distance of equals",
    "longest distance of equals",
    "variety of bigrams",
    "longest distance of equal bigrams",
    "surprise",
    "singles",
    "doubles",
    "carried over",
    "commonness at the start",
    "commonness at the end",
    "singles at the start",
    "singles at the end",
)
"""Numbers of an input that its selection may go by."""
_EDGE = 3
"""Symbols that count as the start or the end."""


def structure(ids: NDArray[np.uint8], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """`STRUCTURE` of padded inputs, `(inputs, length)` ids: `(inputs, features)`.

    All of it is read from which places hold equal symbols, `(inputs, length, length)`: no symbol has a name.
    """
    at = np.arange(ids.shape[1])
    n = lengths.astype(np.float64)
    inside = at < lengths[:, None]  # (inputs, length)
    same = (ids[:, :, None] == ids[:, None, :]) & inside[:, :, None] & inside[:, None, :]
    distance = np.triu(at - at[:, None], 1)  # (length, length), 0 but above the diagonal
    pairs = same & (distance > 0)
    bigrams = same[:, :-1, :-1] & same[:, 1:, 1:]
    often = np.where(inside, same.sum(axis=2), 1)  # (inputs, length): how often a place's symbol occurs
    # A place among many equal ones counts the less, so that each symbol counts once.
    bigram_often = np.maximum(bigrams.sum(axis=2), 1)
    in_bigram = at[:-1] < lengths[:, None] - 1
    first_half = at < lengths[:, None] // 2
    second_half = inside & ~first_half
    start, end = at < np.minimum(_EDGE, lengths)[:, None], inside & (at >= lengths[:, None] - _EDGE)
    ends = same[np.arange(len(ids)), 0, lengths - 1]
    single = often == 1

    def share(what: NDArray[np.bool_], among: NDArray[np.bool_]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = (what & among).sum(axis=1) / np.maximum(among.sum(axis=1), 1)
        return found

    lags = [np.diagonal(same, lag, 1, 2).sum(axis=1) / np.maximum(n - lag, 1) for lag in range(1, 1 + _LAGS)]
    carried = (same & second_half[:, None, :]).any(axis=2)
    columns = [
        n / n.max(),
        (inside / often).sum(axis=1) / n,
        (often * inside).max(axis=1) / n,
        *lags,
        ends,
        pairs.sum(axis=(1, 2)) / np.maximum(n * (n - 1) / 2, 1),
        (pairs * distance).sum(axis=(1, 2)) / np.maximum(pairs.sum(axis=(1, 2)), 1) / n,
        (pairs * distance).max(axis=(1, 2)) / n,
        (in_bigram / bigram_often).sum(axis=1) / np.maximum(n - 1, 1),
        (bigrams * distance[:-1, :-1]).max(axis=(1, 2), initial=0) / n,
        -(inside * np.log(often / n[:, None])).sum(axis=1) / n,
        share(single, inside),
        share(often == 2, inside),
        share(carried, first_half),
        (often * start).sum(axis=1) / np.maximum(start.sum(axis=1), 1) / n,
        (often * end).sum(axis=1) / np.maximum(end.sum(axis=1), 1) / n,
        share(single, first_half),
        share(single, second_half),
    ]
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
