"""`probe-sandwich classify`: the service's answer without a server."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from probe_sandwich.cli.failures import complaints, console, explained, fail
from probe_sandwich.cli.show import show_diagnosis, show_legend
from probe_sandwich.options import Options

if TYPE_CHECKING:
    import torch

    from probe_sandwich.answer import Diagnosis
    from probe_sandwich.sandwich.meta_classifier import MetaClassifier
    from probe_sandwich.subjects.stacks import AnyCheckpoint


Unlabelled = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Unlabelled inputs of the task, at most T symbols each, one a line: probes are made of them.",
    ),
]
Labelled = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help='Labelled inputs of any length, JSON lines {"input": "…", "label": 1}: the direct test runs on them.',
    ),
]


def classify(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Checkpoints; Hugging Face models as a folder or a zip; folders of such files.", show_default=False
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a file.")] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder of the meta-classifier; by default PROBE_SANDWICH_MODEL, or else the bundled one.",
        ),
    ] = None,
    inputs: Unlabelled = None,
    labelled: Labelled = None,
    *,
    options: Options,
) -> None:
    """The service's answer without a server; files of one shape and scheme run stacked. Inputs of your own are for all
    of them."""
    paths = [path for argument in files for path in _uploads_of(argument)]
    printer = _Printer(as_json)

    def answered_so_far() -> str:
        return f"{printer.printed} of {len(paths)} files are answered above; run it again with the others"

    from probe_sandwich.settings import Settings  # noqa: PLC0415

    with explained(answered_so_far):
        from probe_sandwich.sandwich.meta_classifier import load_meta_classifier  # noqa: PLC0415

        settings = Settings()
        device = settings.torch_device()
        meta = load_meta_classifier(model or settings.model, device)
        loaded = list(_loaded(paths, printer))
        _diagnose(loaded, meta, device, options, (inputs, labelled), printer)
        printer.end()
    if printer.bad:
        raise typer.Exit(1)


class _Printer:
    """Prints what came of each file as soon as it is known."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.printed = self.bad = 0

    def answer(self, path: Path, diagnosis: "Diagnosis") -> None:
        self.printed += 1
        if self.as_json:
            self._line({"file": str(path), **diagnosis.model_dump(mode="json")})
            return
        console.print(f"\n[bold]{escape(str(path))}[/bold]")
        show_diagnosis(diagnosis)

    def problem(self, path: Path, name: str, detail: str) -> None:
        self.printed += 1
        self.bad += 1
        if self.as_json:
            self._line({"file": str(path), "problem": {"type": name, "detail": detail}})
        complaints.print(f"[red]{escape(str(path))}[/red]: {escape(detail)}", highlight=False, soft_wrap=True)

    def end(self) -> None:
        """After the last answer, if there is any to read."""
        if not self.as_json and self.printed > self.bad:
            show_legend()

    def _line(self, facts: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()


def _uploads_of(argument: Path) -> list[Path]:
    """A folder stands for the files in it that may be checkpoints, unless it is a model itself."""
    if not argument.is_dir() or (argument / "config.json").exists():
        return [argument]
    found = sorted(path for path in argument.iterdir() if path.suffix in (".safetensors", ".zip"))
    if not found:
        raise fail(f"{argument} holds neither a config.json nor any .safetensors or .zip file")
    return found


def _loaded(paths: Sequence[Path], printer: _Printer) -> "Iterator[tuple[Path, AnyCheckpoint]]":
    from probe_sandwich.subjects.checkpoint import CheckpointError  # noqa: PLC0415
    from probe_sandwich.subjects.uploads import load_upload  # noqa: PLC0415

    for path in paths:
        try:
            yield path, load_upload(path)
        except (CheckpointError, OSError) as error:
            printer.problem(path, type(error).__name__, str(error))


def _diagnose(
    loaded: "Sequence[tuple[Path, AnyCheckpoint]]",
    meta: "MetaClassifier",
    device: "torch.device",
    options: Options,
    given_files: tuple[Path | None, Path | None],
    printer: _Printer,
) -> None:
    from probe_sandwich.diagnosis import diagnose  # noqa: PLC0415
    from probe_sandwich.subjects.stacks import batches  # noqa: PLC0415
    from probe_sandwich.tasks.datasets import NoFormulas  # noqa: PLC0415
    from probe_sandwich.tasks.given import UnusableInputs, read_given  # noqa: PLC0415

    for together in batches([checkpoint for _, checkpoint in loaded]):
        rows = [loaded[number] for number in together]
        config = rows[0][1].config
        try:
            given = read_given(*given_files, config.task, config.train_max_length, config.classes)
            found = diagnose([checkpoint for _, checkpoint in rows], meta, device, options, given=given)
        except (NoFormulas, UnusableInputs) as error:
            for path, _ in rows:
                printer.problem(path, type(error).__name__, str(error))
            continue
        for (path, _), diagnosis in zip(rows, found, strict=True):
            printer.answer(path, diagnosis)
