"""What drawing labelled inputs needs of a task: one small interface for formulas and languages."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.languages.names import LanguageTask
from probe_sandwich.tasks.languages.pairs import LANGUAGES, sample_language_pairs
from probe_sandwich.tasks.logic.canonical import canonical
from probe_sandwich.tasks.logic.sampler import OTHER_STYLES, STYLES, sample_pairs
from probe_sandwich.tasks.logic.tasks import Task as LogicTask
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS
from probe_sandwich.tasks.pairs import Pairs
from probe_sandwich.tasks.task import AnyTask

_ALL = 1 << 16


class NoSampler(ValueError):
    """Labelled inputs of a user's own task cannot be drawn here."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is a task of your own: no labelled inputs of it can be drawn here. Give labelled ones for the "
            "direct test, or leave the test out"
        )


class Source(Protocol):
    """Where a task's minimal pairs come from."""

    @property
    def alphabet(self) -> tuple[str, ...]:
        """Symbols in id order."""

    def has(self, length: int) -> bool:
        """Whether the task can have inputs of this length."""

    def pairs(self, length: int, wanted: int, rng: np.random.Generator) -> Pairs:
        """Some minimal pairs of a length that the task has, possibly none, more likely more where more are wanted."""

    def canonical(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Inputs `(inputs, length)` with what makes no difference to the task made equal."""


@dataclass(frozen=True)
class LogicSource:
    """Formulas, drawn in the task's own style or in another."""

    task: LogicTask
    otherwise: bool

    @property
    def alphabet(self) -> tuple[str, ...]:
        return FORMULA_SYMBOLS

    def has(self, length: int) -> bool:
        return length > 0

    def pairs(self, length: int, wanted: int, rng: np.random.Generator) -> Pairs:
        # A small set takes few pairs from each skeleton, so that its formulas stay independent of each other.
        # (A conjunction's skeleton is a number of leaves and no more.)
        most = _ALL if self.task.name is TaskName.CONJUNCTION else max(4, wanted // 16)
        style = (OTHER_STYLES if self.otherwise else STYLES)[self.task.name]
        return sample_pairs(self.task, length, most, rng, style)

    def canonical(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return canonical(ids)


@dataclass(frozen=True)
class LanguageSource:
    """Strings of a formal language and their neighbours."""

    task: LanguageTask
    otherwise: bool

    @property
    def alphabet(self) -> tuple[str, ...]:
        return LANGUAGES[self.task.name].alphabet

    def has(self, length: int) -> bool:
        return LANGUAGES[self.task.name].has(length)

    def pairs(self, length: int, wanted: int, rng: np.random.Generator) -> Pairs:
        return sample_language_pairs(LANGUAGES[self.task.name], length, wanted, rng, edited_twice=self.otherwise)

    def canonical(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return ids


def source_of(task: AnyTask, *, otherwise: bool = False) -> Source:
    """A built-in task's source; `otherwise`: the same task drawn in another way. Raises `NoSampler`."""
    if isinstance(task, LogicTask):
        return LogicSource(task, otherwise)
    if isinstance(task, LanguageTask):
        return LanguageSource(task, otherwise)
    raise NoSampler(task.name)
