"""What a form says beside its files."""

import json
from typing import Annotated

from fastapi import Depends, File, Form, UploadFile
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from probe_sandwich.api.messages import GivenFiles
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.spool import path_of
from probe_sandwich.options import Options, with_option_parameters
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.tasks.task import BUILT_IN

_LIST, _NAMES = TypeAdapter(list[str]), TypeAdapter(dict[str, str])
_DEFAULT_TASK = TaskName.CONJUNCTION.value


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
    task: Annotated[
        str | None,
        Form(
            max_length=64,
            description=f"its task, a built-in one ({', '.join(BUILT_IN)}) or your own; {_DEFAULT_TASK} by default",
        ),
    ] = None,
    alphabet: Annotated[
        str | None, Form(max_length=1 << 14, description="the symbols of a task of your own, as a JSON list")
    ] = None,
    begin: Annotated[str | None, Form(max_length=64, description="symbol before its every formula")] = None,
    end: Annotated[str | None, Form(max_length=64, description="symbol after its every formula")] = None,
    symbols: Annotated[
        str | None, Form(max_length=1 << 12, description="its names of formula symbols, as a JSON object")
    ] = None,
) -> str | None:
    """What the request says of a foreign model, as `subject.json` would; None where it says nothing."""
    if all(said is None for said in (vocabulary, train_max_length, task, alphabet, begin, end, symbols)):
        return None
    name = _DEFAULT_TASK if task is None else task
    task_facts: dict[str, object] = {"name": name}
    try:
        in_id_order, names = _LIST.validate_json(vocabulary or "[]"), _NAMES.validate_json(symbols or "{}")
        if alphabet is not None:
            task_facts["alphabet"] = _LIST.validate_json(alphabet)
    except ValidationError as error:
        raise Problem(
            "invalid-request",
            422,
            "give vocabulary as a JSON list of its symbols in id order, alphabet as a JSON list of the task's symbols, "
            'and symbols as a JSON object, such as {"~": "!"}',
        ) from error
    if name not in BUILT_IN and alphabet is None:
        raise Problem(
            "invalid-request",
            422,
            f"alphabet: {name!r} is no built-in task, so give its symbols as a JSON list; built in are "
            f"{', '.join(BUILT_IN)}",
        )
    facts = {"vocabulary": in_id_order, "symbols": names, "task": task_facts, "begin": begin, "end": end}
    return json.dumps(facts | ({} if train_max_length is None else {"train_max_length": train_max_length}))


def given_of(
    inputs: Annotated[
        UploadFile | None,
        File(description="of a task of your own: unlabelled inputs of at most T symbols, one per line, for the probes"),
    ] = None,
    labelled: Annotated[
        UploadFile | None,
        File(description='of a task of your own: labelled inputs, JSON lines {"input": …, "label": …}, to test it on'),
    ] = None,
) -> GivenFiles:
    """Where inputs of the user's own lie."""
    return GivenFiles(
        inputs=None if inputs is None else path_of(inputs), labelled=None if labelled is None else path_of(labelled)
    )


OptionsDependency = Annotated[Options, Depends(options_of)]
GivenDependency = Annotated[GivenFiles, Depends(given_of)]
DescriptionDependency = Annotated[str | None, Depends(description_of)]
