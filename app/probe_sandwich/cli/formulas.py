"""`probe-sandwich formulas`."""

import json
import sys
from typing import Annotated

import typer

from probe_sandwich.cli.failures import explained, wrong_option
from probe_sandwich.cli.options import MOST_SEED
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.splits import Split
from probe_sandwich.tasks.task import BUILT_IN, AnyTask

app = typer.Typer(help="Sample formulas, and inputs of languages, with exact labels.", no_args_is_help=True)


def _built_in(name: str) -> str:
    if name not in BUILT_IN:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(BUILT_IN)}")
    return name


@app.callback()
def _group() -> None:
    """Sample formulas, and inputs of languages, with exact labels."""


@app.command("sample")
@explained()
def sample(
    task: Annotated[
        str, typer.Option(parser=_built_in, metavar="TASK", help=f"Built-in task: {', '.join(BUILT_IN)}.")
    ] = TaskName.CONJUNCTION.value,
    min_length: Annotated[int, typer.Option(min=1, help="Symbols of the shortest input.")] = 6,
    max_length: Annotated[int, typer.Option(min=1, help="Symbols of the longest input.")] = 32,
    count: Annotated[
        int,
        typer.Option(
            min=2, help="Inputs, half of them of either class at every length: an even number, as they come in pairs."
        ),
    ] = 10,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the sample.")] = 0,
    split: Annotated[
        Split,
        typer.Option(
            help="`training`, to train on; `evaluation` is what the direct length test draws from: whoever trains on "
            "it can no longer be tested."
        ),
    ] = Split.TRAINING,
) -> None:
    """Print balanced formulas, or inputs of a language, as JSON lines; by default such as no test asks about."""
    from pydantic import TypeAdapter  # noqa: PLC0415

    from probe_sandwich.tasks.datasets import sample_formulas  # noqa: PLC0415

    if min_length > max_length:
        raise wrong_option("--min-length", f"it is {min_length}, over --max-length, which is {max_length}")
    if count % 2:
        raise wrong_option("--count", f"it is {count}, but inputs come in pairs, one of either class; give {count + 1}")
    chosen = TypeAdapter[AnyTask](AnyTask).validate_python({"name": task})
    text_key, label_key = ("formula", "satisfiable") if isinstance(chosen, Task) else ("input", "label")
    drawn = sample_formulas(chosen, min_length, max_length, count, seed, split)
    for text, positive in zip(drawn.texts(), drawn.satisfiable.tolist(), strict=True):
        label = positive if isinstance(chosen, Task) else int(positive)
        sys.stdout.write(json.dumps({text_key: text, label_key: label, "length": len(text)}) + "\n")
