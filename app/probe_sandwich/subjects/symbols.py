"""How a subject's own vocabulary stands for the symbols that its task is written in.

`names` maps the task's symbols to the subject's where those differ: `{"~": "!", "a": "x1"}`.
"""

from collections.abc import Collection, Mapping, Sequence

from probe_sandwich.tasks.alphabets import alphabet_of, needed_symbols
from probe_sandwich.tasks.task import AnyTask

_MOST_REMAINING = 64


def missing_symbols(task: AnyTask, vocabulary: Collection[str], names: Mapping[str, str]) -> list[str]:
    """Symbols that the task's inputs need and the vocabulary lacks, by the subject's names for them."""
    return [own for symbol in needed_symbols(task) if (own := names.get(symbol, symbol)) not in vocabulary]


def check_names(
    task: AnyTask, names: Mapping[str, str], vocabulary: Collection[str], reserved: Collection[str | None] = ()
) -> None:
    """Raises `ValueError` where names are of no symbol, or one name stands for two."""
    alphabet = alphabet_of(task)
    for symbol, own in names.items():
        if symbol not in alphabet:
            raise ValueError(f"symbols names {symbol!r}, which the task does not use; it uses {' '.join(alphabet)}")
        if own not in vocabulary:
            raise ValueError(f"symbols calls {symbol!r} {own!r}, which is not in the vocabulary")
    used = [own for symbol in alphabet if (own := names.get(symbol, symbol)) in vocabulary]
    twice = {own for own in used if used.count(own) > 1 or own in reserved}
    if twice:
        raise ValueError(f"symbols lets {' '.join(sorted(twice))} stand for two things")


def own_ids(
    task: AnyTask, vocabulary: Sequence[str], names: Mapping[str, str], begin: str | None, pad: str | None
) -> tuple[int, ...]:
    """The subject's ids of the task's symbols in the order of its alphabet, then of the begin symbol and the padding.

    A symbol that the task does not need and the vocabulary lacks is read as the last one that is needed, so that no
    probe can hold it; a special symbol that it lacks has id 0, and is masked wherever it stands.
    """
    ids = {symbol: number for number, symbol in enumerate(vocabulary)}
    instead = ids.get(names.get(last := needed_symbols(task)[-1], last), 0)
    own = [ids.get(names.get(symbol, symbol), instead) for symbol in alphabet_of(task)]
    return (*own, *(0 if special is None else ids.get(special, 0) for special in (begin, pad)))


def untested_symbols(
    task: AnyTask, vocabulary: Collection[str], names: Mapping[str, str], special: Collection[str | None]
) -> tuple[str, ...]:
    """What a subject may have been trained on and no input here holds; nothing of a vocabulary of words."""
    used = {names.get(symbol, symbol) for symbol in alphabet_of(task)} | set(special)
    left = [own for own in vocabulary if own not in used and own[:1] not in ("<", "[", "") and " " not in own]
    return tuple(left) if len(left) <= _MOST_REMAINING else ()
