"""Meta-classifiers and checkpoints: `train`, `evaluate`, `convert`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from probe_sandwich.cli.failures import console, explained
from probe_sandwich.cli.options import CORES, Workers
from probe_sandwich.cli.progress import progress

if TYPE_CHECKING:
    from probe_sandwich.evidence.universal.figures import UniversalEvidence

Zoos = Annotated[list[Path], typer.Argument(exists=True, file_okay=False, help="Folders of one or more zoos.")]


ForeignSet = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="Foreign test set; by default zoo-foreign beside the first of the zoos."
    ),
]


def train(
    zoos: Zoos,
    out: Annotated[Path, typer.Option(help="Folder of the meta-classifier, models/NAME.")],
    workers: Workers = CORES,
    foreign: ForeignSet = None,
    without_evidence: Annotated[
        bool,
        typer.Option(
            "--without-evidence",
            help="Weights and card alone, sooner: nothing is left out and judged. `evaluate` makes the rest later.",
        ),
    ] = False,
) -> None:
    """Train the sandwich over zoos of any tasks, with what it is compared with, and write weights, card, evidence and
    report."""
    with explained(lambda: f"nothing of it is kept; {out} is as it was"):
        from probe_sandwich.evidence.universal.build import train_alone, train_universal  # noqa: PLC0415
        from probe_sandwich.settings import Settings  # noqa: PLC0415

        device = Settings().torch_device()
        if without_evidence:
            with progress("reading the zoos") as ticker:
                train_alone(zoos, out, device, ticker.stage, workers=workers)
            console.print(f"{out} is trained and was not judged: `probe-sandwich evaluate` makes its evidence")
            return
        with progress("reading the zoos") as ticker:
            evidence = train_universal(
                zoos,
                out,
                device,
                ticker.stage,
                foreign=_foreign_beside(zoos[0], foreign),
                workers=workers,
            )
        show_figures(evidence)


def evaluate(
    zoos: Zoos,
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder of the meta-classifier.")],
    workers: Workers = CORES,
    foreign: ForeignSet = None,
) -> None:
    """Recompute every figure from model and zoos, named as they were to train it, and write evidence and report."""
    with explained(lambda: f"the weights in {model} are as they were; run it again for the figures"):
        from probe_sandwich.evidence.universal.build import evaluate_again  # noqa: PLC0415
        from probe_sandwich.settings import Settings  # noqa: PLC0415

        with progress("reading the zoos") as ticker:
            evidence = evaluate_again(
                zoos,
                model,
                Settings().torch_device(),
                ticker.stage,
                foreign=_foreign_beside(zoos[0], foreign),
                workers=workers,
            )
        show_figures(evidence)


def _foreign_beside(zoo: Path, given: Path | None) -> Path | None:
    beside = zoo.resolve().parent / "zoo-foreign"
    return given or (beside if beside.is_dir() else None)


def show_figures(evidence: "UniversalEvidence") -> None:
    """A table of figures for each kind of subjects."""
    for kind, figures in evidence.kinds.items():
        table = Table("method", "AUC (95 %)", "mean over tasks", title=f"{kind}: {figures.subjects} subjects")
        for name, method in figures.methods.items():
            areas = (method.auc, method.auc_low, method.auc_high, method.mean_task_auc)
            area, low, high, mean = ("-" if one is None else f"{one:.3f}" for one in areas)
            table.add_row(name, f"{area} ({low}-{high})", mean)
        console.print(table)


@explained()
def convert(
    state: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .pt state dict.")],
    config: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The subject's config as JSON.")],
    out: Annotated[Path, typer.Option(help="The checkpoint to write.")],
) -> None:
    """Make a checkpoint of a PyTorch state dict, on your own machine: names and layout as in docs/checkpoint.md; see
    examples/export_checkpoint.py."""
    from probe_sandwich.subjects.convert import convert as convert_state  # noqa: PLC0415

    convert_state(state, config, out)
    console.print(f"Wrote {out}")
