"""Meta-classifiers and checkpoints: `train`, `evaluate`, `convert`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from probe_sandwich.cli.failures import console, explained, fail
from probe_sandwich.cli.options import CORES
from probe_sandwich.cli.show import progress_bar

if TYPE_CHECKING:
    from probe_sandwich.evidence.figures.evidence import Evidence

Strangers = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="Zoo of subjects unlike this one's, to test abstaining on; by default zoo-strangers beside it.",
    ),
]


class Part(StrEnum):
    """What `train --only` trains."""

    SANDWICH = "sandwich"


def _strangers_beside(zoo: Path, given: Path | None) -> Path | None:
    beside = zoo.resolve().parent / "zoo-strangers"
    return given or (beside if beside.is_dir() else None)


def train(
    zoos: Annotated[
        list[Path],
        typer.Argument(exists=True, file_okay=False, help="Folder of the zoo; with --universal, of one or more."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the meta-classifier, models/NAME.")],
    universal: Annotated[
        bool, typer.Option("--universal", help="One meta-classifier for every task, alphabet and T.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = CORES,
    strangers: Strangers = None,
    only: Annotated[
        Part | None, typer.Option(help="`sandwich`: the model alone, without baselines and report, in half the time.")
    ] = None,
) -> None:
    """Train the sandwich over a zoo, with its baselines, and write weights, card, evidence and report; run it again
    to go on after a stop."""
    if universal:
        _train_universal(zoos, out, workers)
        return
    if len(zoos) > 1:
        raise fail("several zoos go with --universal; without it, a meta-classifier is trained on one")
    with explained(lambda: f"jobs that had ended are kept in {out}; the same command goes on from there"):
        from probe_sandwich.evidence.build import train_meta_classifier  # noqa: PLC0415
        from probe_sandwich.settings import Settings  # noqa: PLC0415

        device = Settings().torch_device()
        with progress_bar() as bar:
            job = bar.add_task("jobs", total=None)
            evidence = train_meta_classifier(
                zoos[0],
                out,
                workers,
                device,
                lambda done, total: bar.update(job, completed=done, total=total),
                strangers=_strangers_beside(zoos[0], strangers),
                only_sandwich=only is Part.SANDWICH,
            )
        show_figures(evidence)


def _train_universal(zoos: list[Path], out: Path, workers: int) -> None:
    with explained(lambda: f"nothing of it is kept; {out} is as it was"):
        from probe_sandwich.evidence.universal.build import train_universal  # noqa: PLC0415
        from probe_sandwich.settings import Settings  # noqa: PLC0415

        foreign = zoos[0].resolve().parent / "zoo-foreign"
        evidence = train_universal(
            zoos,
            out,
            Settings().torch_device(),
            lambda stage: console.print(stage, highlight=False),
            foreign=foreign if foreign.is_dir() else None,
            workers=workers,
        )
    for kind, figures in evidence.kinds.items():
        table = Table("method", "AUC (95 %)", "mean over tasks", title=f"{kind}: {figures.subjects} subjects")
        for name, method in figures.methods.items():
            areas = (method.auc, method.auc_low, method.auc_high, method.mean_task_auc)
            area, low, high, mean = ("-" if one is None else f"{one:.3f}" for one in areas)
            table.add_row(name, f"{area} ({low}-{high})", mean)
        console.print(table)


def evaluate(
    zoo: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the zoo.")],
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder of the meta-classifier.")],
    strangers: Strangers = None,
) -> None:
    """Recompute every figure from zoo and model, and write evidence, report and plots."""
    with explained(lambda: f"the weights in {model} are as they were; run it again for the figures"):
        from probe_sandwich.evidence.evaluation import evaluate_meta_classifier  # noqa: PLC0415
        from probe_sandwich.settings import Settings  # noqa: PLC0415

        device = Settings().torch_device()
        with console.status("Recomputing every figure: some ten minutes for a zoo of 1,000 subjects on a CPU"):
            evidence = evaluate_meta_classifier(zoo, model, device, _strangers_beside(zoo, strangers))
        show_figures(evidence)


def show_figures(evidence: "Evidence") -> None:
    """A table of figures for each set of subjects."""
    from probe_sandwich.evidence.experiment.methods import title  # noqa: PLC0415
    from probe_sandwich.evidence.report.tables import short  # noqa: PLC0415

    headings = {
        "Out of fold, on configurations never trained on": evidence.out_of_fold,
        "The whole ensemble, on configurations in reserve": evidence.reserve,
        "The whole ensemble, on configurations that joined the zoo later": evidence.later,
    }
    for heading, figures in headings.items():
        if not figures:
            continue
        table = Table("method", "AUC (95 %)", "within", "Brier", "ECE", title=heading, title_justify="left")
        for method, one in figures.items():
            area = f"{short(one.auc)} ({short(one.auc_low)}-{short(one.auc_high)})"
            merits = (one.within_configuration_auc, one.brier, one.expected_calibration_error)
            table.add_row(title(method), area, *map(short, merits))
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
