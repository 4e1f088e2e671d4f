"""The symbols of each task."""

import pytest
from probe_sandwich.tasks.alphabets import alphabet_of, needed_symbols
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.task import AnyTask, OwnTask


@pytest.mark.parametrize(
    ("task", "needed"),
    [
        (Task(variables=2), "ab~&"),
        (Task(name=TaskName.CNF, variables=3), "abc~&|()"),
        (LanguageTask(name=LanguageName.DYCK2), "()[]"),
        (OwnTask(name="mine", alphabet=("y", "x")), "yx"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_task_needs_the_symbols_that_its_inputs_are_written_in(task: AnyTask, needed: str) -> None:
    assert needed_symbols(task) == tuple(needed)
    assert set(needed) <= set(alphabet_of(task))


def test_all_logic_tasks_share_one_alphabet() -> None:
    assert len({alphabet_of(Task(name=name, variables=count)) for name in TaskName for count in (2, 5)}) == 1
