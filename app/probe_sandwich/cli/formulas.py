"""`probe-sandwich formulas`."""

import json
import sys
from typing import Annotated

import typer

from probe_sandwich.cli.failures import explained
from probe_sandwich.cli.options import MOST_SEED
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.splits import Split

app = typer.Typer(help="Sample formulas with exact labels.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Sample formulas with exact labels."""


@app.command("sample")
@explained()
def sample(
    task: Annotated[TaskName, typer.Option(help="Family of formulas.")] = TaskName.CONJUNCTION,
    min_length: Annotated[int, typer.Option(min=1, help="Symbols of the shortest formula.")] = 6,
    max_length: Annotated[int, typer.Option(min=1, help="Symbols of the longest formula.")] = 32,
    count: Annotated[int, typer.Option(min=2, help="Formulas, half of them satisfiable at every length.")] = 10,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the sample.")] = 0,
    split: Annotated[
        Split,
        typer.Option(
            help="`training`, to train on; `evaluation` is what the direct length test draws from: whoever trains on "
            "it can no longer be tested."
        ),
    ] = Split.TRAINING,
) -> None:
    """Print balanced formulas as JSON lines; by default such as no test asks about."""
    from probe_sandwich.tasks.datasets import sample_formulas  # noqa: PLC0415

    formulas = sample_formulas(Task(name=task), min_length, max_length, count, seed, split)
    for text, satisfiable in zip(formulas.texts(), formulas.satisfiable.tolist(), strict=True):
        sys.stdout.write(json.dumps({"formula": text, "satisfiable": satisfiable, "length": len(text)}) + "\n")
