"""Inputs that a user gives: unlabelled short ones to make probes of, and labelled ones of up to 4T for the test.

They are for tasks of the user's own. What answers are worth was measured on inputs that are drawn, and convergence on
labels that are exact: wherever a built-in task has inputs to draw, given ones are left out.

Lines of text, one input each, or JSON lines: `"abba"`, `["x1", "&"]`, `{"input": …}` and, labelled, `{"input": …,
"label": 1}`. A text is cut into symbols: at blanks where the alphabet has longer ones, else character by character.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.datasets import Formulas, NoFormulas, sample_formulas
from probe_sandwich.tasks.splits import Split
from probe_sandwich.tasks.task import AnyTask, OwnTask

MOST_UNLABELLED, MOST_LABELLED, MOST_SYMBOLS = 4096, 50_000, 4096
LEAST_UNLABELLED = 8
LONGEST_RELATIVE = 4
"""Symbols of the longest labelled input, in multiples of T."""
ENOUGH = 32
"""Different inputs that a verdict wants: unlabelled ones of more than half of T for the probes, labelled ones of at
most T for the word on convergence."""
_MOST_OF_ONE_CLASS = 0.8
"""Of labelled inputs up to T, and of those in (T, 2T]. By more of them a subject that always answers the same would
come near the cuts of the direct test."""
_MOST_QUOTED = 40
"""Characters of a mistaken symbol or label that a message repeats."""
_PARTED = (
    ". As some have several characters, part symbols by blanks. What begins, ends or pads every input is none of the "
    "task's: in Python, name it in Reading(begin=..., end=..., pad=...)"
)


T = TypeVar("T")
Input = str | Sequence[str]
"""A text, which is cut into symbols, or the symbols."""
WithLabel = tuple[Input, int] | Mapping[str, Any]
"""An input and its class, as a pair or as `{"input": ..., "label": ...}`."""


class UnusableInputs(ValueError):
    """Given inputs that cannot be used; the message names the line."""


@dataclass(frozen=True)
class GivenInputs:
    """What came beside a checkpoint: unlabelled inputs, each a sequence of symbols, and labelled ones."""

    unlabelled: tuple[tuple[str, ...], ...] = ()
    labelled: Formulas | None = None
    left_out: bool = False
    """Whether a file came that was not read, as its like are drawn from the task."""


def read_given(
    inputs: Path | None, labelled: Path | None, task: AnyTask, train_max_length: int, classes: int
) -> GivenInputs:
    """What is in the files that came, held against a subject's task, T and classes, but where inputs are drawn.

    Raises `UnusableInputs`, whose message names the part and the line, and `OSError`.
    """
    # What is left out is not read, whatever is in it.
    inputs_text = "" if inputs and _are_inputs_drawn(task, train_max_length) else _text_of("inputs", inputs)
    labelled_text = "" if labelled and _are_labelled_drawn(task, train_max_length) else _text_of("labelled", labelled)
    return given_in(inputs_text, labelled_text, task, train_max_length, classes)


def bytes_to_read(inputs: Path | None, labelled: Path | None, task: AnyTask, train_max_length: int) -> int:
    """How large those of the files are that `read_given` reads, and does not leave out. Raises `OSError`."""
    read = [
        path
        for path, drawn in ((inputs, _are_inputs_drawn), (labelled, _are_labelled_drawn))
        if path is not None and not drawn(task, train_max_length)
    ]
    return sum(path.stat().st_size for path in read)


def given_in(
    inputs: str | None, labelled: str | None, task: AnyTask, train_max_length: int, classes: int
) -> GivenInputs:
    """The same from texts. Raises `UnusableInputs`."""
    found = GivenInputs()
    if inputs is not None:
        if _are_inputs_drawn(task, train_max_length):
            found = replace(found, left_out=True)
        else:
            with _named("inputs"):
                found = replace(found, unlabelled=read_unlabelled(inputs, task, train_max_length))
    if labelled is not None:
        if _are_labelled_drawn(task, train_max_length):
            found = replace(found, left_out=True)
        else:
            with _named("labelled"):
                found = replace(
                    found, labelled=_tested(read_labelled(labelled, task, train_max_length, classes), train_max_length)
                )
    return found


def given_of(
    inputs: Iterable[Input], labelled: Iterable[WithLabel], task: AnyTask, train_max_length: int, classes: int
) -> GivenInputs:
    """The same from inputs in memory, where a line is one's place from 1. Raises `UnusableInputs`."""
    found = GivenInputs()
    with _named("inputs"):
        unlabelled = _listed(inputs)
        if unlabelled and _are_inputs_drawn(task, train_max_length):
            found = replace(found, left_out=True)
        elif unlabelled:
            entries = _counted(unlabelled, MOST_UNLABELLED)
            found = replace(found, unlabelled=_unlabelled(entries, task, train_max_length))
    with _named("labelled"):
        pairs = _listed(labelled)
        if pairs and _are_labelled_drawn(task, train_max_length):
            found = replace(found, left_out=True)
        elif pairs:
            known = ((number, _with_label(pair, number)) for number, pair in _counted(pairs, MOST_LABELLED))
            found = replace(
                found, labelled=_tested(_labelled(known, task, train_max_length, classes), train_max_length)
            )
    return found


def _listed(given: Iterable[T]) -> list[T]:
    """Raises `UnusableInputs` where a text, a path or one entry came for a list."""
    if isinstance(given, str | Path | Mapping) or not isinstance(given, Iterable):
        raise UnusableInputs(
            f"a list is wanted, not {type(given).__name__}; of a file, give the lines: "
            "Path(...).read_text().splitlines()"
        )
    return list(given)


def _with_label(given: WithLabel, number: int) -> dict[str, Any]:
    """An entry as a line of a file says it."""
    try:
        text, label = (given["input"], given["label"]) if isinstance(given, Mapping) else given
        whole = int(label)  # of NumPy or torch, too
        if whole != label:
            raise ValueError
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UnusableInputs(
            f"line {number} is {repr(given)[:_MOST_QUOTED]}; give pairs of an input and its class, a whole number, or "
            'objects {"input": ..., "label": ...}'
        ) from error
    return {"input": text, "label": whole}


def read_unlabelled(text: str, task: AnyTask, train_max_length: int) -> tuple[tuple[str, ...], ...]:
    """Inputs of at most T symbols each, each once. Raises `UnusableInputs`."""
    return _unlabelled(_entries(text, MOST_UNLABELLED, task), task, train_max_length)


def _unlabelled(
    entries: Iterator[tuple[int, Any]], task: AnyTask, train_max_length: int
) -> tuple[tuple[str, ...], ...]:
    alphabet = alphabet_of(task)
    found: dict[tuple[str, ...], None] = {}
    for number, entry in entries:
        symbols = _symbols(entry.get("input") if isinstance(entry, dict) else entry, alphabet, number)
        if len(symbols) > train_max_length:
            raise UnusableInputs(
                f"line {number} has {len(symbols)} symbols; unlabelled inputs have at most T = {train_max_length}"
            )
        found[symbols] = None
    if len(found) < LEAST_UNLABELLED:
        raise UnusableInputs(
            f"{len(found)} different unlabelled inputs; give at least {ENOUGH}, better 100 and more, of "
            f"{train_max_length // 2 + 1} to T = {train_max_length} symbols"
        )
    return tuple(found)


def read_labelled(text: str, task: AnyTask, train_max_length: int, classes: int) -> Formulas:
    """Labelled inputs of at most 4T symbols, as far as the direct test goes, sorted by length. Raises
    `UnusableInputs`."""
    return _labelled(_entries(text, MOST_LABELLED, task), task, train_max_length, classes)


def _labelled(entries: Iterator[tuple[int, Any]], task: AnyTask, train_max_length: int, classes: int) -> Formulas:
    alphabet, most = alphabet_of(task), LONGEST_RELATIVE * train_max_length
    rows: list[tuple[tuple[str, ...], int]] = []
    for number, entry in entries:
        if not isinstance(entry, dict) or "label" not in entry:
            raise UnusableInputs(f'line {number} has no label; write {{"input": "…", "label": 1}}')
        label = entry["label"]
        if type(label) not in (int, bool) or not 0 <= label < classes:
            raise UnusableInputs(
                f"line {number} has the label {repr(label)[:_MOST_QUOTED]}; labels are whole numbers below {classes}"
            )
        symbols = _symbols(entry["input"], alphabet, number)
        if len(symbols) > most:
            raise UnusableInputs(
                f"line {number} has {len(symbols)} symbols; the direct test takes at most "
                f"{LONGEST_RELATIVE}T = {most}: leave longer ones out"
            )
        rows.append((symbols, int(label)))
    if not rows:
        raise UnusableInputs("there are no labelled inputs in it")
    rows.sort(key=lambda row: len(row[0]))
    ids = {symbol: index for index, symbol in enumerate(alphabet)}
    table = np.full((len(rows), len(rows[-1][0])), len(alphabet) + 1, np.uint8)
    for place, (symbols, _) in enumerate(rows):
        table[place, : len(symbols)] = [ids[symbol] for symbol in symbols]
    lengths = np.array([len(symbols) for symbols, _ in rows], np.int64)
    return Formulas(alphabet, table, lengths, np.array([label for _, label in rows], np.int64))


def _are_inputs_drawn(task: AnyTask, train_max_length: int) -> bool:
    return _drawn(task, train_max_length // 2 + 1, train_max_length, Split.TRAINING)


def _are_labelled_drawn(task: AnyTask, train_max_length: int) -> bool:
    return _drawn(task, 1, train_max_length, Split.EVALUATION)


@lru_cache(maxsize=256)
def _drawn(task: AnyTask, min_length: int, max_length: int, split: Split) -> bool:
    """Whether a task is built in and has inputs of these lengths."""
    if isinstance(task, OwnTask):
        return False
    try:
        sample_formulas(task, min_length, max_length, ENOUGH, 0, split)
    except NoFormulas:
        return False
    return True


def _tested(labelled: Formulas, train_max_length: int) -> Formulas:
    """The same, where convergence can be judged on them. Raises `UnusableInputs`."""
    short = labelled.lengths <= train_max_length
    # Cut to T: one long input makes all rows as long.
    different = len({row.tobytes() for row in labelled.ids[short, :train_max_length]})
    classes = len(np.unique(labelled.satisfiable[short]))
    if different < ENOUGH or classes < 2:
        raise UnusableInputs(
            f"{different} different inputs of at most T = {train_max_length} symbols, of {classes} classes; give at "
            f"least {ENOUGH} such, of two classes or more: whether it has learned its task shows on those"
        )
    _check_balance(labelled, short, f"of at most T = {train_max_length} symbols")
    long = ~short & (labelled.lengths <= 2 * train_max_length)
    _check_balance(labelled, long, f"of {train_max_length + 1} to 2T = {2 * train_max_length} symbols")
    return labelled


def _check_balance(labelled: Formulas, some: NDArray[np.bool_], lengths: str) -> None:
    """Raises `UnusableInputs` where one class holds nearly all of some of the inputs."""
    counts = np.bincount(labelled.satisfiable[some])
    if some.any() and counts.max() > _MOST_OF_ONE_CLASS * counts.sum():
        raise UnusableInputs(
            f"{counts.max()} of the {counts.sum()} inputs {lengths} have the label {counts.argmax()}, so that a model "
            "that always answers the same is mostly right; give such that at least a fifth have other labels"
        )


@contextmanager
def _named(part: str) -> Iterator[None]:
    """Say of which of the two files a complaint is."""
    try:
        yield
    except UnusableInputs as error:
        raise UnusableInputs(f"{part}: {error}") from error


def _text_of(part: str, path: Path | None) -> str | None:
    try:
        return None if path is None else path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableInputs(f"{part}: it is no text in UTF-8; write one input a line") from error


def _entries(text: str, most: int, task: AnyTask) -> Iterator[tuple[int, Any]]:
    """What stands in each line, with the line's number."""
    alphabet = alphabet_of(task)
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip())
    for _, (number, line) in _counted(lines, most):
        yield number, _entry(line, alphabet, number)


def _counted(entries: Iterable[T], most: int) -> Iterator[tuple[int, T]]:
    for number, entry in enumerate(entries, start=1):
        if number > most:
            raise UnusableInputs(f"more than {most} inputs; give fewer")
        yield number, entry


def _entry(line: str, alphabet: Sequence[str], number: int) -> Any:
    """A line's text, list of symbols, or object with an `input`."""
    # Brackets and quotes may be symbols of the alphabet.
    if line[0] not in '"[{' or set(line) <= set(alphabet):
        return line
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if isinstance(entry, dict) and not isinstance(entry.get("input"), str | list):
        raise UnusableInputs(f'line {number} has no input; write {{"input": "…"}}')
    return entry


def _symbols(entry: Any, alphabet: Sequence[str], number: int) -> tuple[str, ...]:
    advice = ""
    if isinstance(entry, str):
        longer = any(len(symbol) > 1 for symbol in alphabet)
        advice = _PARTED if longer else ""
        entry = entry.split() if longer else [symbol for symbol in entry if not symbol.isspace()]
    if not isinstance(entry, Collection):
        raise UnusableInputs(f"line {number} is {repr(entry)[:_MOST_QUOTED]}; an input is a text or a list of symbols")
    if not 1 <= len(entry) <= MOST_SYMBOLS:
        raise UnusableInputs(f"line {number} has {len(entry)} symbols; inputs have 1 to {MOST_SYMBOLS}")
    known = frozenset(alphabet)
    for symbol in entry:
        if not isinstance(symbol, str) or symbol not in known:
            raise UnusableInputs(
                f"line {number} holds {repr(symbol)[:_MOST_QUOTED]}; the task's symbols are {' '.join(alphabet)}"
                f"{advice}"
            )
    return tuple(entry)
