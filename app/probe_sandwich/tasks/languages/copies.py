"""Languages whose second half repeats the first: copies w#w and palindromes."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.languages.language import Language, Strings, exchange, exchanged

_LETTERS, _MARK = 3, 3


def _is_copy(strings: Strings) -> NDArray[np.bool_]:
    """w#w of letters."""
    half = strings.shape[1] // 2
    marked = (strings == _MARK).sum(axis=1) == 1
    same = (strings[:, :half] == strings[:, half + 1 :]).all(axis=1) if strings.shape[1] % 2 else False
    result: NDArray[np.bool_] = marked & (strings[:, half] == _MARK) & same
    return result


def _copies(length: int, count: int, rng: np.random.Generator) -> Strings:
    word = rng.integers(_LETTERS, size=(count, length // 2), dtype=np.uint8)
    return np.concatenate([word, np.full((count, 1), _MARK, np.uint8), word], axis=1)


def _exchange_in_second_half(strings: Strings, rng: np.random.Generator) -> Strings:
    half = strings.shape[1] // 2
    one, other = (half + 1 + rng.integers(max(1, half), size=len(strings)) for _ in range(2))
    return exchanged(strings, one, other) if half else strings


def _is_palindrome(strings: Strings) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (strings == strings[:, ::-1]).all(axis=1)
    return result


def _palindromes(length: int, count: int, rng: np.random.Generator) -> Strings:
    half = rng.integers(_LETTERS, size=(count, (length + 1) // 2), dtype=np.uint8)
    return np.concatenate([half, half[:, : length // 2][:, ::-1]], axis=1)


COPY = Language(("a", "b", "c", "#"), _copies, _is_copy, _exchange_in_second_half, has=lambda length: length % 2 == 1)
PALINDROME = Language(("a", "b", "c"), _palindromes, _is_palindrome, exchange)
