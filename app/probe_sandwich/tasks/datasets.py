"""Balanced sets of distinct inputs, with training and evaluation kept apart by construction.

The hash of an input's *canonical form* decides the split, so that nothing of an evaluation set stands in a training set
(of formulas, under no names of the variables). A pair is used where both of its inputs fall into the wanted split.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.pairs import Pairs
from probe_sandwich.tasks.source import Source, source_of
from probe_sandwich.tasks.splits import Split
from probe_sandwich.tasks.task import AnyTask

_MAX_BARREN_ROUNDS = 4
_HASH_SALT = 0x9E3779B97F4A7C15


class NoFormulas(ValueError):
    """A task has no balanced inputs in a range of lengths."""

    def __init__(self, task: AnyTask, min_length: int, max_length: int) -> None:
        super().__init__(
            f"task {task.name} has no minimal pairs with {min_length} to {max_length} symbols; widen the range"
        )


@dataclass(frozen=True)
class Formulas:
    """Inputs as padded symbol ids `(inputs, length)`, with their lengths and labels `(inputs,)`.

    An id is a symbol's place in the `alphabet`; the begin symbol and the padding have the next two. Rows come in pairs:
    where they are drawn
    here: an even row is of class 1 (satisfiable, in the language), the next one its twin of class 0.
    """

    alphabet: tuple[str, ...]
    ids: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    satisfiable: NDArray[np.bool_] | NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lengths)

    def select(self, rows: NDArray[np.int64]) -> "Formulas":
        """Some of the inputs."""
        return Formulas(self.alphabet, self.ids[rows], self.lengths[rows], self.satisfiable[rows])

    def with_begin(self, rows: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.int64]:
        """Symbol ids of some rows with the begin symbol before each input, `(inputs, 1 + length)`."""
        ids = self.ids[rows].astype(np.int64)
        return np.concatenate([np.full((len(ids), 1), len(self.alphabet)), ids], axis=1)

    def texts(self) -> Iterator[str]:
        """The inputs as text."""
        for row, length in zip(self.ids.tolist(), self.lengths.tolist(), strict=True):
            yield "".join(self.alphabet[index] for index in row[:length])


def sample_formulas(
    task: AnyTask,
    min_length: int,
    max_length: int,
    count: int,
    seed: int,
    split: Split = Split.EVALUATION,
    before_round: Callable[[], None] = lambda: None,
    *,
    otherwise: bool = False,
) -> Formulas:
    """About `count` distinct inputs (an even number, at most `count`), spread evenly over the task's lengths.

    Where short lengths have too few distinct inputs, longer ones take their share; where the whole range has too few,
    fewer are returned. `otherwise`: drawn in another way than usual. `before_round` is called before each round of a
    length, and may raise. Raises `NoFormulas` where there is none at all, and `NoSampler`.
    """
    rng = np.random.default_rng(seed)
    source = source_of(task, otherwise=otherwise)
    by_length: list[Pairs] = []
    missing = count // 2
    lengths = [length for length in range(min_length, max_length + 1) if source.has(length)]
    for done, length in enumerate(lengths):
        share = -(-missing // (len(lengths) - done))
        pairs = _distinct_pairs(source, length, share, rng, split, before_round)
        missing -= len(pairs.positive)
        by_length.append(pairs)
    if missing == count // 2:
        raise NoFormulas(task, min_length, max_length)
    return _interleave(source.alphabet, by_length, max_length)


def in_split(canonical_ids: NDArray[np.uint8], split: Split) -> NDArray[np.bool_]:
    """Which canonical forms `(inputs, length)` of one length belong to the split."""
    is_training: NDArray[np.bool_] = (_hash(canonical_ids) >> np.uint64(33)) & np.uint64(1) == 1
    return is_training if split is Split.TRAINING else ~is_training


def _distinct_pairs(
    source: Source,
    length: int,
    wanted: int,
    rng: np.random.Generator,
    split: Split,
    before_round: Callable[[], None],
) -> Pairs:
    seen: set[int] = set()
    parts: list[Pairs] = []
    barren = found = 0
    while found < wanted and barren < _MAX_BARREN_ROUNDS:
        before_round()
        pairs = source.pairs(length, wanted, rng)
        one, other = pairs.positive, pairs.negative
        kept = in_split(source.canonical(one), split) & in_split(source.canonical(other), split)
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


def _interleave(alphabet: tuple[str, ...], by_length: list[Pairs], width: int) -> Formulas:
    blocks, lengths = [], []
    for pairs in by_length:
        count, length = pairs.positive.shape
        block = np.full((2 * count, width), len(alphabet) + 1, np.uint8)
        block[0::2, :length] = pairs.positive
        block[1::2, :length] = pairs.negative
        blocks.append(block)
        lengths.append(np.full(2 * count, length, np.int64))
    ids = np.concatenate(blocks)
    return Formulas(alphabet, ids, np.concatenate(lengths), np.arange(len(ids)) % 2 == 0)
