"""A task as a config names it."""

import pytest
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.task import AnyTask, OwnTask
from pydantic import TypeAdapter, ValidationError


def test_a_task_that_says_nothing_of_depth_is_written_as_before() -> None:
    assert Task().model_dump() == {"name": "conjunction", "variables": 5, "max_clause": 3}
    shallow = Task(name=TaskName.FORMULA, max_depth=1)
    assert Task.model_validate_json(shallow.model_dump_json()) == shallow


_ADAPTER: TypeAdapter[AnyTask] = TypeAdapter(AnyTask)


def test_the_name_decides_what_a_task_is() -> None:
    assert _ADAPTER.validate_python({}) == Task()
    assert _ADAPTER.validate_python({"name": "cnf"}) == Task(name=TaskName.CNF)
    assert _ADAPTER.validate_python({"name": "parity"}) == LanguageTask(name=LanguageName.PARITY)
    assert _ADAPTER.validate_python({"name": "mine", "alphabet": ["x", "y"]}) == OwnTask(
        name="mine", alphabet=("x", "y")
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"name": "mine"}, "alphabet"),
        ({"name": "mine", "alphabet": ["x", "x"]}, "names a symbol twice"),
        ({"name": "<b>", "alphabet": ["x", "y"]}, "match pattern"),
        ({"name": "parity", "alphabet": ["x", "y"]}, "Extra inputs"),
        ({"name": 7}, "valid string"),
    ],
)
def test_a_task_that_is_none_is_refused(facts: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _ADAPTER.validate_python(facts)
