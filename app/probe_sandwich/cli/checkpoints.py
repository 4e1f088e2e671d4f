"""What commands about many checkpoints share: which files are meant, and what is asked of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probe_sandwich.cli.failures import fail
from probe_sandwich.options import Options

if TYPE_CHECKING:
    from probe_sandwich.batch.question import Question

_SUFFIXES = (".safetensors", ".zip")
Files = Annotated[
    list[Path],
    typer.Argument(
        help="Checkpoints; Hugging Face models as a folder or a zip; folders of such files and models.",
        show_default=False,
    ),
]
ModelFolder = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="Folder of the meta-classifier; by default PROBE_SANDWICH_MODEL, or else the bundled one.",
    ),
]
Unlabelled = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Of a task of your own: unlabelled inputs of at most T symbols, one per line, to make probes of.",
    ),
]
LabelledFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help='Of a task of your own: labelled inputs, JSON lines {"input": "…", "label": 1}, to test it on.',
    ),
]


def files_of(arguments: Sequence[Path]) -> list[Path]:
    """Every file or model that is meant, each once; one that is not there costs its own answer where others are."""
    if not any(argument.exists() for argument in arguments):
        missing = ", ".join(str(argument) for argument in arguments)
        raise fail(f"{missing}: no such path exists; name a checkpoint, or a folder that holds some")
    return list(dict.fromkeys(path for argument in arguments for path in _in(argument)))


def _in(argument: Path) -> list[Path]:
    """A folder stands for what may be a checkpoint in it, unless it is a model itself."""
    if not argument.is_dir() or _is_model(argument):
        return [argument]
    found = sorted(path for path in argument.iterdir() if path.suffix in _SUFFIXES or _is_model(path))
    if not found and argument.suffix in _SUFFIXES:  # one of many, which costs its own answer only
        return [argument]
    if not found:
        raise fail(f"{argument} holds no config.json, no .safetensors or .zip file, and no folder of a model")
    return found


def _is_model(path: Path) -> bool:
    return (path / "config.json").exists()


def question(model: Path | None, inputs: Path | None, labelled: Path | None, options: Options) -> "Question":
    """What is asked of every file, with the meta-classifier loaded. Raises `NoMetaClassifier` and its like."""
    from probe_sandwich.batch.question import Question  # noqa: PLC0415
    from probe_sandwich.settings import Settings  # noqa: PLC0415

    settings = Settings()
    given = [None if path is None else path.absolute() for path in (inputs, labelled)]
    asked = Question((model or settings.model).absolute(), str(settings.torch_device()), options, *given)
    _ = asked.meta_classifier  # says now what is wrong with it
    return asked
