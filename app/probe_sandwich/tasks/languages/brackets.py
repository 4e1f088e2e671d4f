"""Balanced brackets: one kind with fillers between them, and two kinds (Dyck-1 and Dyck-2; Ebrahimi et al. 2020)."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.languages.language import Language, Strings, exchange

_OPEN, _CLOSE, _FILLER = 0, 1, 2
_FILLED = 0.25


def _steps(strings: Strings) -> NDArray[np.int64]:
    """How each symbol changes the depth: one up, one down, or not."""
    steps: NDArray[np.int64] = (strings == _OPEN).astype(np.int64) - (strings == _CLOSE)
    return steps


def _is_balanced(strings: Strings) -> NDArray[np.bool_]:
    depth = _steps(strings).cumsum(axis=1)
    result: NDArray[np.bool_] = (depth >= 0).all(axis=1) & (depth[:, -1] == 0)
    return result


def _balanced(brackets: int, count: int, rng: np.random.Generator) -> Strings:
    """Uniform balanced strings of an even number of brackets: an equal number of each in random order, begun anew after
    its lowest point (cycle lemma)."""
    half = np.repeat(np.array([_OPEN, _CLOSE], np.uint8), brackets // 2)
    strings = rng.permuted(np.broadcast_to(half, (count, brackets)), axis=1)
    lowest = _steps(strings).cumsum(axis=1).argmin(axis=1)
    turned = (np.arange(brackets) + lowest[:, None] + 1) % brackets
    return np.take_along_axis(strings, turned, axis=1)


def _balanced_with_fillers(length: int, count: int, rng: np.random.Generator) -> Strings:
    brackets = 2 * rng.binomial(length // 2, 1 - _FILLED, size=count).clip(min=1)
    bracketed = rng.random((count, length)).argsort(axis=1) < brackets[:, None]
    strings = np.full((count, length), _FILLER, np.uint8)
    for number in np.unique(brackets).tolist():
        rows = brackets == number
        strings[bracketed & rows[:, None]] = _balanced(number, int(rows.sum()), rng).ravel()
    return strings


def _exchange_within(strings: Strings, rng: np.random.Generator) -> Strings:
    """Two places exchange their symbols, unless the first bracket would then close or the last one open: such a string
    would be told by its ends."""
    edited = exchange(strings, rng)
    brackets = edited != _FILLER
    rows = np.arange(len(edited))
    first, last = edited[rows, brackets.argmax(axis=1)], edited[rows, -1 - brackets[:, ::-1].argmax(axis=1)]
    return np.where(((first == _CLOSE) | (last == _OPEN))[:, None], strings, edited)


def _of_two_kinds(length: int, count: int, rng: np.random.Generator) -> Strings:
    """Balanced strings, each pair round (0, 1) or square (2, 3)."""
    strings = _balanced(length, count, rng)
    rows = np.arange(count)
    kinds = np.zeros((count, length + 1), np.uint8)
    depth = np.zeros(count, np.int64)
    for place in range(length):
        opens = strings[:, place] == _OPEN
        kinds[rows[opens], depth[opens]] = rng.integers(2, size=int(opens.sum()))
        depth -= ~opens
        strings[:, place] += 2 * kinds[rows, depth]
        depth += opens
    return strings


def _is_balanced_in_two_kinds(strings: Strings) -> NDArray[np.bool_]:
    count, length = strings.shape
    rows = np.arange(count)
    kinds = np.zeros((count, length + 1), np.uint8)
    depth, good = np.zeros(count, np.int64), np.ones(count, np.bool_)
    for place in range(length):
        opens, kind = strings[:, place] % 2 == 0, strings[:, place] // 2
        kinds[rows[opens], depth[opens]] = kind[opens]
        depth = np.where(opens, depth + 1, depth - 1)
        good &= depth >= 0
        depth = depth.clip(min=0)
        good &= opens | (kinds[rows, depth] == kind)
    result: NDArray[np.bool_] = good & (depth == 0)
    return result


DYCK1 = Language(("(", ")", "x"), _balanced_with_fillers, _is_balanced, _exchange_within, has=lambda length: length > 5)
DYCK2 = Language(
    ("(", ")", "[", "]"),
    _of_two_kinds,
    _is_balanced_in_two_kinds,
    exchange,
    has=lambda length: length > 1 and length % 2 == 0,
)
