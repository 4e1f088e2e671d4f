"""Exact satisfiability of a formula text: a truth table for the bulk, PySAT as the reference.

Both read the same syntax tree. `|` binds weaker than `&`, `~` strongest; `(…)` groups.
"""

import operator
from dataclasses import dataclass
from functools import reduce

from pysat.formula import And, Atom, Formula, Neg, Or
from pysat.solvers import Solver

from probe_sandwich.tasks.logic.vocabulary import AND, CLOSE, NOT, OPEN, OR, VARIABLES

ASSIGNMENTS = 1 << len(VARIABLES)
ALL_TRUE = (1 << ASSIGNMENTS) - 1
# Bit `i` of a variable's truth table is its value under assignment `i`.
TRUTH_TABLES = {
    name: sum(1 << row for row in range(ASSIGNMENTS) if row >> index & 1) for index, name in enumerate(VARIABLES)
}


class MalformedFormula(ValueError):
    """A text that is not a formula; the message says where."""


@dataclass(frozen=True)
class Node:
    """A syntax tree: `symbol` is a variable, `~`, `&` or `|`."""

    symbol: str
    children: tuple["Node", ...] = ()


def parse(text: str) -> Node:
    """The syntax tree of a formula. Raises `MalformedFormula`."""
    node, end = _parse_operator(text, 0, OR)
    if end != len(text):
        raise MalformedFormula(f"unexpected {text[end]!r} at position {end} of {text!r}")
    return node


def _parse_operator(text: str, start: int, operator: str) -> tuple[Node, int]:
    operand = _parse_literal if operator == AND else lambda t, i: _parse_operator(t, i, AND)
    node, position = operand(text, start)
    children = [node]
    while text[position : position + 1] == operator:
        node, position = operand(text, position + 1)
        children.append(node)
    return (children[0] if len(children) == 1 else Node(operator, tuple(children))), position


def _parse_literal(text: str, start: int) -> tuple[Node, int]:
    symbol = text[start : start + 1]
    if symbol == NOT:
        node, position = _parse_literal(text, start + 1)
        return Node(NOT, (node,)), position
    if symbol == OPEN:
        node, position = _parse_operator(text, start + 1, OR)
        if text[position : position + 1] != CLOSE:
            raise MalformedFormula(f"missing ')' at position {position} of {text!r}")
        return node, position + 1
    if symbol in VARIABLES:
        return Node(symbol), start + 1
    found = repr(symbol) if symbol else "the end"
    raise MalformedFormula(f"expected a variable, '~' or '(' but found {found} at {start} of {text!r}")


def satisfiable(text: str) -> bool:
    """Whether some assignment makes the formula true. Raises `MalformedFormula`."""
    return _truth_table(parse(text)) != 0


def _truth_table(node: Node) -> int:
    if node.symbol in TRUTH_TABLES:
        return TRUTH_TABLES[node.symbol]
    tables = [_truth_table(child) for child in node.children]
    if node.symbol == NOT:
        return ALL_TRUE ^ tables[0]
    return int(reduce(operator.and_ if node.symbol == AND else operator.or_, tables))


def reference_satisfiable(text: str) -> bool:
    """The same answer from PySAT (CaDiCaL 1.9.5), through its Tseitin transformation."""
    Formula.cleanup()
    formula = _pysat_formula(parse(text))
    formula.clausify()
    with Solver(name="cadical195", bootstrap_with=list(formula)) as solver:
        return bool(solver.solve())


def _pysat_formula(node: Node) -> Formula:
    if node.symbol in TRUTH_TABLES:
        return Atom(node.symbol)
    children = [_pysat_formula(child) for child in node.children]
    if node.symbol == NOT:
        return Neg(children[0])
    return And(*children) if node.symbol == AND else Or(*children)
