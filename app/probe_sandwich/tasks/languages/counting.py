"""Languages of counts: majority, equality, a threshold, parity, and a number modulo three (Deletang et al. 2023; Yang &
Chiang 2024)."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.languages.language import Language, Strings, substitute, uniform

_THRESHOLD = 3


def _majority(strings: Strings) -> NDArray[np.bool_]:
    """More a than b; c counts for neither."""
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) > (strings == 1).sum(axis=1)
    return result


def _parity(strings: Strings) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) % 2 == 0
    return result


def _modulo(strings: Strings) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) % 3 == 0
    return result


def _at_least(strings: Strings) -> NDArray[np.bool_]:
    """Three a or more."""
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) >= _THRESHOLD
    return result


def _around_threshold(length: int, count: int, rng: np.random.Generator) -> Strings:
    rare = (_THRESHOLD - 0.5) / max(length, 2 * _THRESHOLD)
    return rng.choice(3, size=(count, length), p=(rare, (1 - rare) / 2, (1 - rare) / 2)).astype(np.uint8)


def _equal(strings: Strings) -> NDArray[np.bool_]:
    """As many a as b; c counts for neither."""
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) == (strings == 1).sum(axis=1)
    return result


def _balanced(length: int, count: int, rng: np.random.Generator) -> Strings:
    """As many a as b, of any number, in any order."""
    half = rng.binomial(length // 2, 2 / 3, size=count)[:, None]
    places = np.arange(length)
    strings = np.where(places < half, 0, np.where(places < 2 * half, 1, 2)).astype(np.uint8)
    return rng.permuted(strings, axis=1)


MAJORITY = Language(("a", "b", "c"), uniform(3), _majority, substitute(3))
PARITY = Language(("a", "b"), uniform(2), _parity, substitute(2))
MODULO = Language(("a", "b"), uniform(2), _modulo, substitute(2))
THRESHOLD = Language(("a", "b", "c"), _around_threshold, _at_least, substitute(3))
EQUAL = Language(("a", "b", "c"), _balanced, _equal, substitute(3))
