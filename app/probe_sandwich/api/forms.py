"""What a form says beside its files."""

import json
from typing import Annotated

from fastapi import Depends, Form
from pydantic.fields import FieldInfo

from probe_sandwich.api.problems import Problem
from probe_sandwich.options import Options, with_option_parameters
from probe_sandwich.tasks.logic.tasks import TaskName


def _form_field(field: FieldInfo) -> object:
    return Annotated[field.annotation, *field.metadata, Form(description=field.description)]


def _same(options: Options) -> Options:
    return options


options_of = with_option_parameters(_same, _form_field)


def description_of(
    vocabulary: Annotated[
        str | None, Form(max_length=1 << 20, description="a foreign model's symbols in id order, as a JSON list")
    ] = None,
    train_max_length: Annotated[int | None, Form(description="its training length T, in symbols")] = None,
    task: Annotated[TaskName, Form(description="its task")] = TaskName.CONJUNCTION,
    begin: Annotated[str | None, Form(max_length=64, description="symbol before its every formula")] = None,
    end: Annotated[str | None, Form(max_length=64, description="symbol after its every formula")] = None,
    symbols: Annotated[
        str | None, Form(max_length=1 << 12, description="its names of formula symbols, as a JSON object")
    ] = None,
) -> str | None:
    """What the request says of a foreign model, as `subject.json` would; None where it says nothing."""
    if vocabulary is None and train_max_length is None:
        return None
    try:
        in_id_order, names = json.loads(vocabulary or "[]"), json.loads(symbols or "{}")
    except (ValueError, RecursionError) as error:
        raise Problem(
            "invalid-request",
            422,
            "give vocabulary as a JSON list of its symbols in id order, and symbols as a JSON object, such as "
            '{"~": "!"}',
        ) from error
    facts = {"vocabulary": in_id_order, "symbols": names, "task": {"name": task.value}, "begin": begin, "end": end}
    return json.dumps(facts | ({} if train_max_length is None else {"train_max_length": train_max_length}))


OptionsDependency = Annotated[Options, Depends(options_of)]
DescriptionDependency = Annotated[str | None, Depends(description_of)]
