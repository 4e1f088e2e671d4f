"""Languages of what stands where: ends, order, a substring, and what came first or last (Bhattamishra et al. 2020;
flip-flop, Liu et al. 2023)."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.languages.language import Language, Strings, exchange, exchanged, uniform

_LETTERS = 3
_KEYS, _VALUES = 3, 2
_IN_ORDER = 3


def _first_is_last(strings: Strings) -> NDArray[np.bool_]:
    return np.asarray(strings[:, 0] == strings[:, -1])


def _contains(strings: Strings) -> NDArray[np.bool_]:
    """The substring aba."""
    if strings.shape[1] < 3:
        return np.zeros(len(strings), np.bool_)
    here = (strings[:, :-2] == 0) & (strings[:, 1:-1] == 1) & (strings[:, 2:] == 0)
    result: NDArray[np.bool_] = np.any(here, axis=1)
    return result


def _without_substring(length: int, count: int, rng: np.random.Generator) -> Strings:
    """Strings of a, b, c (a and b twice as often as c) in which every aba was turned into abc."""
    strings = rng.choice(3, size=(count, length), p=(0.4, 0.4, 0.2)).astype(np.uint8)
    for place in range(2, length):
        found = _contains(strings[:, place - 2 : place + 1])
        strings[found, place] = 2
    return strings


def _is_sorted(strings: Strings) -> NDArray[np.bool_]:
    rising: NDArray[np.bool_] = strings[:, 1:] >= strings[:, :-1]
    result: NDArray[np.bool_] = np.all(rising, axis=1)
    return result


def _sorted(length: int, count: int, rng: np.random.Generator) -> Strings:
    return np.sort(uniform(4)(length, count, rng), axis=1)


def _last_is_a(strings: Strings) -> NDArray[np.bool_]:
    """Of all a and b, the last is an a."""
    places = np.arange(1, strings.shape[1] + 1)
    last_a, last_b = (((strings == symbol) * places).max(axis=1) for symbol in (0, 1))
    result: NDArray[np.bool_] = last_a > last_b
    return result


def _first_is_a(strings: Strings) -> NDArray[np.bool_]:
    """Of all a and b, the first is an a."""
    return _last_is_a(strings[:, ::-1])


def _in_order(strings: Strings) -> NDArray[np.bool_]:
    """An a, a b somewhere after it, and a c somewhere after that."""
    found = np.zeros(len(strings), np.int64)
    for place in range(strings.shape[1]):
        found += strings[:, place] == found
    result: NDArray[np.bool_] = found >= _IN_ORDER
    return result


def _few_of_each(length: int, count: int, rng: np.random.Generator) -> Strings:
    """About two of a, b and c each, however long, and else d."""
    rare = min(0.3, 2 / length)
    return rng.choice(4, size=(count, length), p=(rare, rare, rare, 1 - 3 * rare)).astype(np.uint8)


def _neighbours_differ(strings: Strings) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (strings[:, 1:] != strings[:, :-1]).all(axis=1)
    return result


def _differing(length: int, count: int, rng: np.random.Generator) -> Strings:
    """Uniform strings whose neighbours differ."""
    steps = rng.integers(1, 4, size=(count, length))
    strings: Strings = (steps.cumsum(axis=1) % 4).astype(np.uint8)
    return strings


def _few_letters(length: int, count: int, rng: np.random.Generator) -> Strings:
    """About three of a and of b each, however long, so that the ends tell no more of a longer string; else c."""
    rare = min(0.25, _LETTERS / length)
    return rng.choice(3, size=(count, length), p=(rare, rare, 1 - 2 * rare)).astype(np.uint8)


def _exchange_letters(strings: Strings, rng: np.random.Generator) -> Strings:
    """One a and one b of each string change places; one without both stays."""
    chance = rng.random(strings.shape)
    one, other = (np.where(strings == letter, chance, -1).argmax(axis=1) for letter in (0, 1))
    edited = exchanged(strings, one, other)
    both = (strings == 0).any(axis=1) & (strings == 1).any(axis=1)
    return np.where(both[:, None], edited, strings)


def _recalls(strings: Strings) -> NDArray[np.bool_]:
    """Keys with their values, and a key at the end: the value that it last had is a 1."""
    keys, values = strings[:, :-1:2], strings[:, 1::2]
    places = np.arange(1, keys.shape[1] + 1)
    latest = ((keys == strings[:, -1:]) * places).argmax(axis=1)
    result: NDArray[np.bool_] = values[np.arange(len(strings)), latest] == _KEYS + 1
    return result


def _records(length: int, count: int, rng: np.random.Generator) -> Strings:
    strings = np.empty((count, length), np.uint8)
    pairs = length // 2
    strings[:, :-1:2] = rng.integers(_KEYS, size=(count, pairs))
    strings[:, 1::2] = _KEYS + rng.integers(_VALUES, size=(count, pairs))
    strings[:, -1] = strings[np.arange(count), 2 * rng.integers(pairs, size=count)]
    return strings


def _exchange_values(strings: Strings, rng: np.random.Generator) -> Strings:
    one, other = (1 + 2 * rng.integers(strings.shape[1] // 2, size=len(strings)) for _ in range(2))
    return exchanged(strings, one, other)


FIRST_LAST = Language(("a", "b", "c"), uniform(3), _first_is_last, exchange)
CONTAINS = Language(("a", "b", "c"), _without_substring, _contains, exchange)
SORTED = Language(("a", "b", "c", "d"), _sorted, _is_sorted, exchange)
LAST_OCCURRENCE = Language(("a", "b", "c"), _few_letters, _last_is_a, _exchange_letters)
FIRST_OCCURRENCE = Language(("a", "b", "c"), _few_letters, _first_is_a, _exchange_letters)
SUBSEQUENCE = Language(("a", "b", "c", "d"), _few_of_each, _in_order, exchange)
ADJACENT = Language(("a", "b", "c", "d"), _differing, _neighbours_differ, exchange)
RECALL = Language(
    ("a", "b", "c", "0", "1"),
    _records,
    _recalls,
    _exchange_values,
    has=lambda length: length > 2 and length % 2 == 1,
)
