"""Minimal pairs: a satisfiable and an unsatisfiable formula that differ by one exchange.

Two leaves of one formula exchange their negations or their variables. Both formulas of a pair have
the same length and the same symbols, so no count of symbols tells them apart, at any length; only
which negation stands before which variable does. (Evans et al. 2018 and NeuroSAT pair formulas for the
same reason; the exchange makes the pair exact.)
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.logic.skeletons import LEAF, Skeleton, sample_skeleton
from probe_sandwich.tasks.logic.solver import TRUTH_TABLES
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import AND, IDS, NOT, VARIABLES
from probe_sandwich.tasks.pairs import Pairs

_TABLES = np.array([TRUTH_TABLES[name] for name in VARIABLES], dtype=np.uint32)
_SKIP = 255
_FILLINGS_A_PAIR = 32


@dataclass(frozen=True)
class Style:
    """How a task's pairs are drawn.

    `agreement` is how often a literal agrees with a planted assignment: always in a conjunction, where one
    clash is the end of it. Each of `skeletons` gets `fillings`, of which at most `kept` pairs are used; it is
    the one with the most leaves of so many `candidates`.
    """

    agreement: float
    skeletons: int
    fillings: int
    kept: int
    candidates: int = 1


STYLES = {
    TaskName.CONJUNCTION: Style(agreement=1.0, skeletons=1, fillings=2048, kept=256),
    TaskName.CNF: Style(agreement=0.6, skeletons=16, fillings=1024, kept=128),
    TaskName.FORMULA: Style(agreement=0.6, skeletons=16, fillings=1024, kept=128),
}
OTHER_STYLES = {
    TaskName.CONJUNCTION: replace(STYLES[TaskName.CONJUNCTION], agreement=0.8, candidates=2),
    TaskName.CNF: replace(STYLES[TaskName.CNF], agreement=0.7, candidates=2),
    TaskName.FORMULA: replace(STYLES[TaskName.FORMULA], agreement=0.7, candidates=2),
}
"""The same tasks drawn otherwise, to see whether a label depends on how: more leaves and fewer negations at a length,
and clashes that were there before the exchange as well as those that it made."""


@dataclass(frozen=True)
class _Filling:
    """Literals of a skeleton's leaves: `variables` and `negated`, `(fillings, leaves)` each."""

    variables: NDArray[np.int64]
    negated: NDArray[np.bool_]


def sample_pairs(task: Task, length: int, most: int, rng: np.random.Generator, style: Style) -> Pairs:
    """Minimal pairs from a few random skeletons, at most `most` from each; possibly none."""
    found = [
        _pairs_of(skeleton, task, most, rng, style)
        for _ in range(style.skeletons)
        if (skeleton := _skeleton(task, length, style.candidates, rng)) is not None
    ]
    return Pairs.joined(found, length)


def _skeleton(task: Task, length: int, candidates: int, rng: np.random.Generator) -> Skeleton | None:
    drawn = [sample_skeleton(task, length, rng) for _ in range(candidates)]
    return max((one for one in drawn if one is not None), key=lambda one: one.leaves, default=None)


def _pairs_of(skeleton: Skeleton, task: Task, most: int, rng: np.random.Generator, style: Style) -> Pairs:
    first = _fill(skeleton, task, min(style.fillings, _FILLINGS_A_PAIR * most), rng, style.agreement)
    second = _exchange(first, rng)
    first_true = evaluate(skeleton, first.variables, first.negated) != 0
    second_true = evaluate(skeleton, second.variables, second.negated) != 0
    kept = np.flatnonzero(first_true != second_true)[: min(most, style.kept)]
    one, other = _render(skeleton, first, kept), _render(skeleton, second, kept)
    swapped = ~first_true[kept, None]
    return Pairs(np.where(swapped, other, one), np.where(swapped, one, other))


def evaluate(skeleton: Skeleton, variables: NDArray[np.int64], negated: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Truth tables of many fillings `(fillings, leaves)`: bit `i` is the value under assignment `i`."""
    literals = _TABLES[variables] ^ np.where(negated, np.uint32(0xFFFFFFFF), np.uint32(0))
    stack: list[NDArray[np.uint32]] = []
    for step in skeleton.program:
        if isinstance(step, int):
            stack.append(literals[:, step])
            continue
        operator, arity = step
        operands = stack[-arity:]
        del stack[-arity:]
        if operator == NOT:
            stack.append(~operands[0])
        else:
            function = np.bitwise_and if operator == AND else np.bitwise_or
            stack.append(function.reduce(operands))
    return stack[0]


def _fill(skeleton: Skeleton, task: Task, count: int, rng: np.random.Generator, agreement: float) -> _Filling:
    leaves = skeleton.leaves
    negated = rng.random((count, leaves)).argsort(axis=1) < skeleton.negations
    # A planted assignment makes at least one variable false and at least one true; a negated literal that
    # agrees with it stands on a false variable.
    priority = rng.random((count, task.variables)).argsort(axis=1)
    false_count = rng.integers(1, task.variables, size=(count, 1))
    rank = rng.random((count, leaves))
    agrees = rng.random((count, leaves)) < agreement
    from_false = negated == agrees
    low = np.where(from_false, 0, false_count)
    width = np.where(from_false, false_count, task.variables - false_count)
    chosen = low + (rank * width).astype(np.int64)
    return _Filling(np.take_along_axis(priority, chosen, axis=1), negated)


def _exchange(filling: _Filling, rng: np.random.Generator) -> _Filling:
    """Two random leaves exchange their negations (where those differ) or else their variables."""
    count, leaves = filling.negated.shape
    rows = np.arange(count)
    one = rng.integers(leaves, size=(count,))
    other = (one + rng.integers(1, leaves, size=(count,))) % leaves
    negated, variables = filling.negated.copy(), filling.variables.copy()
    by_negation = (negated[rows, one] != negated[rows, other]) & (rng.random(count) < 0.5)
    _swap(negated, rows[by_negation], one[by_negation], other[by_negation])
    _swap(variables, rows[~by_negation], one[~by_negation], other[~by_negation])
    return _Filling(variables, negated)


def _swap(values: NDArray[Any], rows: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    values[rows, one], values[rows, other] = values[rows, other].copy(), values[rows, one].copy()


def _render(skeleton: Skeleton, filling: _Filling, kept: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Symbol ids `(kept, length)` of the kept fillings."""
    columns: list[NDArray[np.uint8]] = []
    leaf = 0
    for symbol in skeleton.text:
        if symbol == LEAF:
            columns.append(np.where(filling.negated[kept, leaf], IDS[NOT], _SKIP).astype(np.uint8))
            columns.append(filling.variables[kept, leaf].astype(np.uint8))
            leaf += 1
        else:
            columns.append(np.full(len(kept), IDS[symbol], np.uint8))
    table = np.stack(columns, axis=1)
    formulas: NDArray[np.uint8] = table[table != _SKIP].reshape(len(kept), skeleton.length)
    return formulas
