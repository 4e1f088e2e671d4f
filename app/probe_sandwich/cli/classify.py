"""`probe-sandwich classify`: the service's answer without a server."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from probe_sandwich.cli.checkpoints import Files, LabelledFile, ModelFolder, Unlabelled, files_of, question
from probe_sandwich.cli.failures import complaints, console, explained
from probe_sandwich.cli.progress import progress, stages
from probe_sandwich.cli.show import show_diagnosis, show_legend
from probe_sandwich.options import Options

if TYPE_CHECKING:
    from probe_sandwich.batch.question import Answered


def classify(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a file.")] = False,
    model: ModelFolder = None,
    inputs: Unlabelled = None,
    labelled: LabelledFile = None,
    *,
    options: Options,
) -> None:
    """The service's answer without a server; files of one shape and scheme run stacked. Inputs of your own are for all
    of them."""
    paths = files_of(files)
    printed: list[Answered] = []

    def answered_so_far() -> str:
        return f"{len(printed)} of {len(paths)} files are answered above; run it again with the others"

    with explained(answered_so_far):
        from probe_sandwich.batch.answering import answer_files  # noqa: PLC0415

        asked = question(model, inputs, labelled, options)
        with progress("files", len(paths)) as ticker:
            for answered in answer_files(paths, asked, progress=stages(ticker, "files")):
                _print(answered, as_json)
                printed.append(answered)
                ticker.count(len(printed), len(paths), "files")
        diagnoses = [answered.diagnosis for answered in printed if answered.diagnosis is not None]
        if diagnoses and not as_json:
            show_legend(diagnoses)
    if any(answered.problem for answered in printed):
        raise typer.Exit(1)


def _print(answered: "Answered", as_json: bool) -> None:
    """What came of a file, as soon as it is known."""
    if as_json:
        sys.stdout.write(json.dumps(answered.facts) + "\n")
        sys.stdout.flush()
    if answered.problem is not None:
        complaint = f"[red]{escape(answered.file)}[/red]: {escape(answered.problem.detail)}"
        complaints.print(complaint, highlight=False, soft_wrap=True)
    elif answered.diagnosis is not None and not as_json:
        console.print(f"\n[bold]{escape(answered.file)}[/bold]")
        show_diagnosis(answered.diagnosis)
