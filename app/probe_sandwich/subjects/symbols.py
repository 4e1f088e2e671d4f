"""How a subject's own vocabulary stands for the symbols that formulas are written in.

`names` maps our symbols to the subject's where those differ: `{"~": "!", "a": "x1"}`.
"""

from collections.abc import Collection, Mapping, Sequence

from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import AND, FORMULA_SYMBOLS, NOT, VARIABLES, VOCABULARY

_MOST_REMAINING = 64


def needed_symbols(task: Task) -> tuple[str, ...]:
    """What the task's formulas are written in: a conjunction needs no `| ( )`."""
    if task.name is TaskName.CONJUNCTION:
        return (*VARIABLES[: task.variables], NOT, AND)
    return (*VARIABLES[: task.variables], *FORMULA_SYMBOLS[len(VARIABLES) :])


def missing_symbols(task: Task, vocabulary: Collection[str], names: Mapping[str, str]) -> list[str]:
    """Symbols that the task's formulas need and the vocabulary lacks, by the subject's names for them."""
    return [own for symbol in needed_symbols(task) if (own := names.get(symbol, symbol)) not in vocabulary]


def check_names(names: Mapping[str, str], vocabulary: Collection[str], reserved: Collection[str | None] = ()) -> None:
    """Raises `ValueError` where names are of no symbol, or one name stands for two."""
    for symbol, own in names.items():
        if symbol not in FORMULA_SYMBOLS:
            raise ValueError(f"symbols names {symbol!r}, which stands in no formula; use {' '.join(FORMULA_SYMBOLS)}")
        if own not in vocabulary:
            raise ValueError(f"symbols calls {symbol!r} {own!r}, which is not in the vocabulary")
    used = [own for symbol in FORMULA_SYMBOLS if (own := names.get(symbol, symbol)) in vocabulary]
    twice = {own for own in used if used.count(own) > 1 or own in reserved}
    if twice:
        raise ValueError(f"symbols lets {' '.join(sorted(twice))} stand for two things")


def own_ids(vocabulary: Sequence[str], names: Mapping[str, str]) -> tuple[int, ...]:
    """The subject's ids of the symbols of `VOCABULARY`, in that order.

    A symbol that its task does not need and its vocabulary lacks is read as `&`, so that no probe can hold it; a
    special symbol that it lacks has id 0, and is masked wherever it stands.
    """
    ids = {symbol: number for number, symbol in enumerate(vocabulary)}
    instead = ids.get(names.get(AND, AND), 0)
    return tuple(
        ids.get(names.get(symbol, symbol), instead if symbol in FORMULA_SYMBOLS else 0) for symbol in VOCABULARY
    )


def untested_symbols(
    vocabulary: Collection[str], names: Mapping[str, str], special: Collection[str | None]
) -> tuple[str, ...]:
    """What a subject may have been trained on and no formula here holds; nothing of a vocabulary of words."""
    used = {names.get(symbol, symbol) for symbol in FORMULA_SYMBOLS} | set(special)
    left = [own for own in vocabulary if own not in used and own[:1] not in ("<", "[", "") and " " not in own]
    return tuple(left) if len(left) <= _MOST_REMAINING else ()
