"""Where labelled inputs of a task come from."""

import numpy as np
import pytest
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.solver import satisfiable
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import VARIABLES
from probe_sandwich.tasks.source import NoSampler, source_of
from probe_sandwich.tasks.task import OwnTask

from tests.tasks.languages.rules import RULES

TASKS = [Task(name=name) for name in TaskName]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_another_style_gives_other_formulas_of_the_same_task(task: Task) -> None:
    usual = sample_formulas(task, 20, 24, 400, seed=13)
    other = sample_formulas(task, 20, 24, 400, seed=13, otherwise=True)
    leaves = [(formulas.ids < len(VARIABLES)).sum(axis=1).mean() for formulas in (usual, other)]
    assert leaves[1] > leaves[0] + 0.1
    assert [satisfiable(text) for text in other.texts()] == other.satisfiable.tolist()


ALL = pytest.mark.parametrize("name", list(LanguageName))


@ALL
def test_another_way_to_draw_gives_other_inputs_of_the_same_language(name: LanguageName) -> None:
    usual, other = (sample_formulas(LanguageTask(name=name), 16, 24, 200, 7, otherwise=o) for o in (False, True))
    assert set(usual.texts()) != set(other.texts())
    assert [RULES[name](text) for text in other.texts()] == other.satisfiable.tolist()


def test_inputs_of_a_task_of_ones_own_cannot_be_drawn() -> None:
    with pytest.raises(NoSampler, match="Give labelled ones"):
        sample_formulas(OwnTask(name="mine", alphabet=("x", "y")), 1, 8, 10, 0)


def test_a_language_has_some_lengths_and_a_logic_task_all() -> None:
    lengths = range(1, 6)
    assert [source_of(Task()).has(length) for length in lengths] == [True] * 5
    copies = source_of(LanguageTask(name=LanguageName.COPY))
    assert [copies.has(length) for length in lengths] == [True, False, True, False, True]


def test_only_names_of_variables_make_no_difference_and_in_languages_nothing_does() -> None:
    ids = np.array([[1, 0], [0, 1]], np.uint8)
    assert source_of(Task()).canonical(ids).tolist() == [[0, 1], [0, 1]]
    assert source_of(LanguageTask(name=LanguageName.PARITY)).canonical(ids).tolist() == ids.tolist()
