"""Each family of formulas as a source of *skeletons*.

A skeleton is a formula whose leaves are open slots: structure without literals. Filling the slots gives
a formula; exchanging what two slots hold gives another one with exactly the same symbols.
"""

from dataclasses import dataclass

import numpy as np

from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import AND, CLOSE, NOT, OPEN, OR

LEAF = "x"
# Of bounded depth: share of nodes that are groups, and how much longer than the shortest they are at most, a level.
_NESTED, _WIDEST = 0.7, 8


@dataclass(frozen=True)
class Skeleton:
    """Structure of a formula: `text` has the leaf slots as `x`, `negations` of which carry a `~`.

    `program` is the structure in postfix order: a leaf's number, or an operator with its arity.
    """

    text: str
    negations: int
    program: tuple[int | tuple[str, int], ...]

    @property
    def leaves(self) -> int:
        return self.text.count(LEAF)

    @property
    def length(self) -> int:
        return len(self.text) + self.negations


def sample_skeleton(task: Task, length: int, rng: np.random.Generator) -> Skeleton | None:
    """A random skeleton of exactly `length` symbols, or None where this try found none."""
    if task.name is TaskName.CONJUNCTION:
        return _conjunction(length, rng)
    if task.name is TaskName.CNF:
        return _cnf(task, length, rng)
    return _nested(task.max_depth, length, rng)


def _conjunction(length: int, rng: np.random.Generator) -> Skeleton | None:
    # n leaves, n - 1 ampersands and k negations: length = 2n - 1 + k. With no or only negations, nothing
    # could be exchanged.
    choices = [n for n in range(2, length) if 1 <= length + 1 - 2 * n <= n - 1]
    if not choices:
        return None
    leaves = int(rng.choice(choices))
    program = (*range(leaves), (AND, leaves))
    return Skeleton(AND.join(LEAF * leaves), length + 1 - 2 * leaves, program)


def _cnf(task: Task, length: int, rng: np.random.Generator) -> Skeleton | None:
    sizes: list[int] = []
    clause_length = {1: 1, 2: 5, 3: 7}
    # Longer formulas get longer clauses, so that formulas stay near the border of satisfiability.
    weights = np.array([1.0, length / 16, (length / 16) ** 2])[: task.max_clause]
    weights /= weights.sum()
    text_length = -1
    while text_length < length:
        size = int(rng.choice(len(weights), p=weights)) + 1
        sizes.append(size)
        text_length += clause_length[size] + 1
        leaves = sum(sizes)
        negations = length - text_length
        # Stop where about half of the literals are negated, at random before.
        enough = negations <= leaves // 2
        if 1 <= negations <= leaves - 1 and len(sizes) > 1 and (enough or rng.random() < 0.3):
            break
    else:
        return None
    clauses: list[str] = []
    program: list[int | tuple[str, int]] = []
    leaf = 0
    for size in sizes:
        program.extend(range(leaf, leaf + size))
        leaf += size
        clauses.append(LEAF if size == 1 else OPEN + OR.join(LEAF * size) + CLOSE)
        if size > 1:
            program.append((OR, size))
    return Skeleton(AND.join(clauses), negations, (*program, (AND, len(sizes))))


def _nested(max_depth: int | None, length: int, rng: np.random.Generator) -> Skeleton | None:
    text: list[str] = []
    program: list[int | tuple[str, int]] = []
    negations = 0
    leaves = 0

    def leaf(negated: bool) -> None:
        nonlocal leaves, negations
        text.append(LEAF)
        program.append(leaves)
        leaves += 1
        negations += negated

    def group(budget: int, operator: str, depth: int) -> bool:
        if max_depth is None:
            arity = 3 if budget >= 5 and rng.random() < 0.3 else 2
            parts = _split(budget - (arity - 1), arity, rng)
        else:
            parts = _parts(budget, max_depth - depth, rng)
        if parts is None:
            return False
        for index, part in enumerate(parts):
            if index:
                text.append(operator)
            if not node(part, operator, depth):
                return False
        program.append((operator, len(parts)))
        return True

    def node(budget: int, parent: str, depth: int) -> bool:
        if budget <= 2:
            leaf(negated=budget == 2)
            return True
        negated = budget >= 6 and rng.random() < 0.25
        text.append(NOT + OPEN if negated else OPEN)
        # Alternating operators keep the tree from being a flat list in disguise.
        operator = OR if (parent == AND) == (rng.random() < 0.8) else AND
        if not group(budget - 2 - negated, operator, depth + 1):
            return False
        text.append(CLOSE)
        if negated:
            program.append((NOT, 1))
        return True

    root = AND if rng.random() < 0.75 else OR
    if not group(length, root, 0) or not 1 <= negations <= leaves - 1:
        return None
    return Skeleton("".join(text), negations, tuple(program))


def _split(total: int, parts: int, rng: np.random.Generator) -> list[int] | None:
    """`total` as a random sum of node lengths; no node has 3 or 4 symbols."""
    for _ in range(20):
        cuts = sorted(rng.integers(1, max(2, total), size=parts - 1).tolist())
        sizes = [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]
        if all(size in (1, 2) or size >= 5 for size in sizes):
            return sizes
    return None


def _parts(budget: int, levels: int, rng: np.random.Generator) -> list[int] | None:
    """Node lengths of a group of `budget` symbols, its operators included: as many nodes as it takes, since where
    depth is bounded, width must grow with the length. At no further level all of them are leaves."""
    for _ in range(40):
        sizes: list[int] = []
        left = budget
        while left > 0:
            nested = levels > 0 and rng.random() < _NESTED
            sizes.append(int(rng.integers(5, 5 + _WIDEST * levels) if nested else rng.integers(1, 3)))
            left -= sizes[-1] + 1
        if left == -1 and len(sizes) > 1:
            return sizes
    return None
