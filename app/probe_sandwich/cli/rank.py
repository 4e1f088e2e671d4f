"""`probe-sandwich rank`: which of many checkpoints to choose."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probe_sandwich.cli.checkpoints import Files, LabelledFile, ModelFolder, Unlabelled, files_of, question
from probe_sandwich.cli.failures import explained, fail, wrong_option
from probe_sandwich.cli.options import Address, EngineName, cluster
from probe_sandwich.cli.progress import progress, stages
from probe_sandwich.options import Options

if TYPE_CHECKING:
    from probe_sandwich.batch.answering import AnsweringEngine
    from probe_sandwich.batch.question import Answered, Question


_PLOTS = (".png", ".svg", ".pdf")


class Form(StrEnum):
    """How a ranking is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def rank(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Print the ranking as one JSON object.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the ranking as CSV.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Append each answer to this file of JSON lines as it comes; the same command goes on from there.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Plot P against the step of snapshots of one run (PNG, SVG or PDF): the number after `step` or "
            "`checkpoint` in a file's name, else the last number in it.",
        ),
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="This process, or a Ray cluster.")] = EngineName.LOCAL,
    address: Address = None,
    model: ModelFolder = None,
    inputs: Unlabelled = None,
    labelled: LabelledFile = None,
    *,
    options: Options,
) -> None:
    """Order checkpoints by P(generalizer), ties told as ties. One stands ahead of another where every member of the
    ensemble says so. What cannot be ranked, and every bad file, is listed below with its reason."""
    if as_json and as_csv:
        raise wrong_option("--csv", "it excludes --json; give one of them")
    paths = files_of(files)
    steps = _steps(plot, paths) if plot is not None else {}
    found: dict[str, Answered] = {}
    with explained(lambda: _answered_so_far(len(found), len(paths), out)):
        _answer(paths, question(model, inputs, labelled, options), out, (engine, address), found)
        answers = [found[str(path)] for path in paths]
        if plot is not None:
            from probe_sandwich.cli.ranking_plot import plot_steps  # noqa: PLC0415

            plot_steps(plot, answers, steps)
    ranked = _print(answers, steps, Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE)
    if not ranked or any(answered.problem for answered in answers):
        raise typer.Exit(1)


def _answer(
    paths: Sequence[Path],
    asked: "Question",
    out: Path | None,
    where: tuple[EngineName, str | None],
    found: "dict[str, Answered]",
) -> None:
    """Puts the answer about every file into `found`, as it comes."""
    from probe_sandwich.batch.answering import answer_files  # noqa: PLC0415
    from probe_sandwich.batch.results import Results  # noqa: PLC0415

    results = None if out is None else Results(out, asked, paths)
    found |= {} if results is None else results.known()
    missing = [path for path in paths if str(path) not in found]
    what = f"files ({len(found)} more are answered in {out})" if found else "files"
    with progress(what, len(missing)) as ticker:
        for number, answered in enumerate(
            answer_files(missing, asked, _engine(*where, asked.device), stages(ticker, what)), 1
        ):
            found[answered.file] = answered
            if results is not None:
                results.append(answered)
            ticker.count(number, len(missing), what)


def _engine(name: EngineName, address: str | None, device: str) -> "AnsweringEngine | None":
    if name is EngineName.LOCAL:
        return None
    on_cluster = cluster(address, device)
    from probe_sandwich.batch.ray_cluster import AnsweringRayCluster  # noqa: PLC0415 - an optional extra

    return AnsweringRayCluster(on_cluster)


def _steps(plot: Path, paths: Sequence[Path]) -> dict[str, int]:
    """What the plot needs, before anything is asked."""
    from probe_sandwich.ranking import step_of  # noqa: PLC0415

    if plot.suffix not in _PLOTS:
        kinds = ", ".join(f"*{suffix}" for suffix in _PLOTS)
        raise wrong_option("--plot", f"{plot} is of no kind that is drawn: name it {kinds}")
    steps = {str(path): step for path in paths if (step := step_of(path)) is not None}
    without = [path.name for path in paths if str(path) not in steps]
    if without:
        raise fail(f"no step in the name of {', '.join(without[:8])}: --plot wants one, as in step-1200.safetensors")
    return steps


def _answered_so_far(answered: int, files: int, out: Path | None) -> str:
    if out is None:
        return "nothing is kept; with --out FILE, the same command goes on where it stood"
    return f"{answered} of {files} files are answered in {out}; the same command goes on from there"


def _print(answers: "Sequence[Answered]", steps: dict[str, int], form: Form) -> bool:
    """Whether there is a ranking."""
    from probe_sandwich.cli.ranking_table import Row, print_csv, print_json, print_table  # noqa: PLC0415

    rows = Row.of(answers, steps)
    {Form.JSON: print_json, Form.CSV: print_csv, Form.TABLE: print_table}[form](rows)
    return any(row.rank for row in rows)
