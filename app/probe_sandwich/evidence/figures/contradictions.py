"""What a probe says as a formula: whether it can be satisfied, and how far apart its contradiction stands."""

from probe_sandwich.tasks.logic.solver import MalformedFormula, satisfiable
from probe_sandwich.tasks.logic.vocabulary import AND, NOT


def clash_distance(text: str) -> int | None:
    """Symbols between the nearest two literals that contradict each other; None where none do, or where the text is no
    conjunction of literals."""
    literals: list[tuple[str, bool, int]] = []
    place = 0
    for literal in text.split(AND):
        variable, negated = literal.removeprefix(NOT), literal.startswith(NOT)
        if len(variable) != 1 or not variable.isalpha():
            return None
        literals.append((variable, negated, place + negated))
        place += len(literal) + 1
    found = [
        later[2] - earlier[2]
        for n, earlier in enumerate(literals)
        for later in literals[n + 1 :]
        if earlier[0] == later[0] and earlier[1] != later[1]
    ]
    return min(found, default=None)


def is_satisfiable(text: str) -> bool | None:
    """None where the text is no formula."""
    try:
        return satisfiable(text)
    except MalformedFormula:
        return None
