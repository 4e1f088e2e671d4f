"""The symbols of each task, in id order."""

from probe_sandwich.tasks.languages.names import LanguageTask
from probe_sandwich.tasks.languages.pairs import LANGUAGES
from probe_sandwich.tasks.logic.tasks import Task as LogicTask
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.tasks.logic.vocabulary import AND, FORMULA_SYMBOLS, NOT, VARIABLES
from probe_sandwich.tasks.task import AnyTask


def alphabet_of(task: AnyTask) -> tuple[str, ...]:
    """Every symbol that an input may hold; all logic tasks share one alphabet."""
    if isinstance(task, LogicTask):
        return FORMULA_SYMBOLS
    return LANGUAGES[task.name].alphabet if isinstance(task, LanguageTask) else task.alphabet


def needed_symbols(task: AnyTask) -> tuple[str, ...]:
    """What the task's inputs are written in: a conjunction needs no `| ( )`."""
    if not isinstance(task, LogicTask):
        return alphabet_of(task)
    if task.name is TaskName.CONJUNCTION:
        return (*VARIABLES[: task.variables], NOT, AND)
    return (*VARIABLES[: task.variables], *FORMULA_SYMBOLS[len(VARIABLES) :])
