"""Balanced sets of distinct formulas, with training and evaluation kept apart by construction.

A formula's *canonical form* renames its variables in order of first occurrence. Its hash decides the
split, so that no formula of an evaluation set stands in a training set under any names. A pair is used
where both of its formulas fall into the wanted split.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.logic.sampler import STYLES, Pairs, Style, sample_pairs
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import BEGIN_ID, PAD_ID, VARIABLES, decode

ALL = 1 << 16
_MAX_BARREN_ROUNDS = 4
_HASH_SALT = 0x9E3779B97F4A7C15


class NoFormulas(ValueError):
    """A task has no balanced formulas in a range of lengths."""

    def __init__(self, task: Task, min_length: int, max_length: int) -> None:
        super().__init__(
            f"task {task.name} has no minimal pairs with {min_length} to {max_length} symbols; widen the range"
        )


class Split(StrEnum):
    """Which canonical forms a set may hold."""

    TRAINING = "training"
    EVALUATION = "evaluation"


@dataclass(frozen=True)
class Formulas:
    """Formulas as padded symbol ids `(formulas, length)`, with their lengths and labels `(formulas,)`.

    Rows come in pairs: an even row is satisfiable, the next one its unsatisfiable twin.
    """

    ids: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    satisfiable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.lengths)

    def with_begin(self, rows: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.int64]:
        """Symbol ids of some rows with the begin symbol before each formula, `(formulas, 1 + length)`."""
        ids = self.ids[rows].astype(np.int64)
        return np.concatenate([np.full((len(ids), 1), BEGIN_ID), ids], axis=1)

    def texts(self) -> Iterator[str]:
        """The formulas as text."""
        return (decode(row.tolist()) for row in self.ids)


def sample_formulas(
    task: Task,
    min_length: int,
    max_length: int,
    count: int,
    seed: int,
    split: Split = Split.EVALUATION,
    style: Style | None = None,
    before_length: Callable[[], None] = lambda: None,
) -> Formulas:
    """About `count` distinct formulas (an even number, at most `count`), spread evenly over the lengths.

    Where short lengths have too few distinct formulas, longer ones take their share; where the whole
    range has too few, fewer are returned. `before_length` is called as each length is begun, and may raise.
    Raises `NoFormulas` where there is none at all.
    """
    rng = np.random.default_rng(seed)
    style = style or STYLES[task.name]
    by_length: list[Pairs] = []
    missing = count // 2
    for length in range(min_length, max_length + 1):
        before_length()
        share = -(-missing // (max_length + 1 - length))
        pairs = _distinct_pairs(task, length, share, rng, split, style)
        missing -= len(pairs.satisfiable)
        by_length.append(pairs)
    if missing == count // 2:
        raise NoFormulas(task, min_length, max_length)
    return _interleave(by_length, max_length)


def canonical(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Formulas `(formulas, length)` with their variables renamed in order of first occurrence."""
    length = ids.shape[1]
    occurs = ids[:, None, :] == np.arange(len(VARIABLES), dtype=np.uint8)[:, None]
    first = np.where(occurs.any(axis=2), occurs.argmax(axis=2), length)
    rank = first.argsort(axis=1, kind="stable").argsort(axis=1).astype(np.uint8)
    renamed = np.take_along_axis(rank, np.minimum(ids, len(VARIABLES) - 1).astype(np.int64), axis=1)
    return np.where(ids < len(VARIABLES), renamed, ids)


def in_split(ids: NDArray[np.uint8], split: Split) -> NDArray[np.bool_]:
    """Which formulas `(formulas, length)` of one length belong to the split."""
    is_training: NDArray[np.bool_] = (_hash(canonical(ids)) >> np.uint64(33)) & np.uint64(1) == 1
    return is_training if split is Split.TRAINING else ~is_training


def _distinct_pairs(
    task: Task, length: int, wanted: int, rng: np.random.Generator, split: Split, style: Style
) -> Pairs:
    seen: set[int] = set()
    parts: list[Pairs] = []
    barren = found = 0
    # A small set takes few pairs from each skeleton, so that its formulas stay independent of each other.
    # (A conjunction's skeleton is a number of leaves and no more.)
    most = ALL if task.name is TaskName.CONJUNCTION else max(4, wanted // 16)
    while found < wanted and barren < _MAX_BARREN_ROUNDS:
        pairs = sample_pairs(task, length, most, rng, style)
        one, other = pairs.satisfiable, pairs.unsatisfiable
        kept = in_split(one, split) & in_split(other, split)
        one, other = one[kept], other[kept]
        keys = _hash(one).tolist(), _hash(other).tolist()
        fresh = []
        for row, (key, twin) in enumerate(zip(*keys, strict=True)):
            if key not in seen and twin not in seen and key != twin:
                seen.update((key, twin))
                fresh.append(row)
        fresh = fresh[: wanted - found]
        barren = 0 if fresh else barren + 1
        found += len(fresh)
        parts.append(Pairs(one[fresh], other[fresh]))
    return Pairs.joined(parts, length)


def _hash(ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A 64-bit multiplicative hash of each row."""
    with np.errstate(over="ignore"):
        state = np.full(len(ids), ids.shape[1], np.uint64)
        for column in ids.T:
            state = (state ^ column) * np.uint64(_HASH_SALT)
            state ^= state >> np.uint64(29)
    return state


def _interleave(by_length: list[Pairs], width: int) -> Formulas:
    blocks, lengths = [], []
    for pairs in by_length:
        count, length = pairs.satisfiable.shape
        block = np.full((2 * count, width), PAD_ID, np.uint8)
        block[0::2, :length] = pairs.satisfiable
        block[1::2, :length] = pairs.unsatisfiable
        blocks.append(block)
        lengths.append(np.full(2 * count, length, np.int64))
    ids = np.concatenate(blocks)
    return Formulas(ids, np.concatenate(lengths), np.arange(len(ids)) % 2 == 0)
