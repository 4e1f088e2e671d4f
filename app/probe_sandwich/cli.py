"""The command line, `probe-sandwich`: one function a command, each a thin call into the layers below."""

import json
import os
import socket
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from probe_sandwich.client import Client
from probe_sandwich.diagnosis import Diagnosis, Options, batches, diagnose, load_meta_classifiers
from probe_sandwich.evidence.build import train_meta_classifier
from probe_sandwich.evidence.evaluation import evaluate_meta_classifier
from probe_sandwich.evidence.metrics import short
from probe_sandwich.evidence.strangers import stranger_groups
from probe_sandwich.formulas import tasks
from probe_sandwich.formulas.datasets import sample_formulas
from probe_sandwich.formulas.tasks import TaskName
from probe_sandwich.sandwich.card import Card
from probe_sandwich.settings import SHIPPED_MODELS, Settings
from probe_sandwich.subjects.checkpoint import CheckpointError
from probe_sandwich.subjects.convert import convert as convert_state
from probe_sandwich.subjects.uploads import load_upload
from probe_sandwich.zoo.broad import SEEDS_PER_GROUP, broad_manifest
from probe_sandwich.zoo.build import BuildFailed, Engine, OtherRecipe, build
from probe_sandwich.zoo.card import ZooCard, read_card, write_card
from probe_sandwich.zoo.engines.local import LocalPool
from probe_sandwich.zoo.info import summarize
from probe_sandwich.zoo.recipe import RECIPES, Recipe, manifest
from probe_sandwich.zoo.shards import merge, prune, read_index
from probe_sandwich.zoo.verify import verify

EXAMPLES = SHIPPED_MODELS / "examples"
_START_SECONDS = 60

app = typer.Typer(
    help="Does a Transformer trained on short formulas still classify long ones?",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
zoo_app = typer.Typer(help="Build and look at zoos of labelled Transformers.", no_args_is_help=True)
formulas_app = typer.Typer(help="Sample formulas with exact labels.", no_args_is_help=True)
app.add_typer(zoo_app, name="zoo")
app.add_typer(formulas_app, name="formulas")


class RecipeName(StrEnum):
    """What a zoo holds."""

    ONE_TASK = "one-task"
    BROAD = "broad"


class EngineName(StrEnum):
    """Where a zoo is built."""

    LOCAL = "local"
    RAY = "ray"


console = Console()
complaints = Console(stderr=True)


def _fail(message: str) -> typer.Exit:
    complaints.print(f"[red]error:[/red] {message}", highlight=False)
    return typer.Exit(1)


@app.command()
def demo() -> None:
    """Start the service, upload the two bundled checkpoints, and print both answers for each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    console.print(f"Starting the service on {url} …")
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "probe_sandwich.main:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    # A tour, not a log; and each answer is worked out, not remembered.
    quiet = {"PROBE_SANDWICH_LOG_LEVEL": "error", "PROBE_SANDWICH_CACHE_BYTES": "0"}
    server = subprocess.Popen(command, env=os.environ | quiet)
    try:
        with Client(url) as client:
            _wait_until_ready(client, server)
            for path in sorted(EXAMPLES.glob("*.safetensors")):
                console.print(f"\n[bold]POST /classify[/bold]  {path.name}")
                _print_diagnosis(client.classify(path))
    finally:
        server.terminate()
        server.wait()
    console.print("\nThe service has stopped. Your own checkpoints: [bold]probe-sandwich classify FILE…[/bold]")


def _wait_until_ready(client: Client, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            health = client.health()
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if health["status"] == "starting":
            raise _fail(f"the service is not ready: {health['reason']}")
        console.print(f"Service {health['status']} on {health['device']}.")
        return
    raise _fail("the service did not start; run `probe-sandwich serve` to see why")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=0, help="Worker processes; 0: one a GPU, or one.", envvar="PROBE_SANDWICH_WORKERS")
    ] = 0,
) -> None:
    """Run the service (settings: PROBE_SANDWICH_* in the environment)."""
    os.environ["PROBE_SANDWICH_WORKERS"] = str(workers)
    options = ["--host", host, "--port", str(port), "--no-access-log"]
    options += ["--timeout-graceful-shutdown", str(Settings().drain_seconds)]
    os.execv(sys.executable, [sys.executable, "-m", "uvicorn", "probe_sandwich.main:app", *options])


@app.command()
def classify(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Checkpoints.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a file.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the noise draws.")] = Options().seed,
    noise_draws: Annotated[int, typer.Option(help="Noise draws to average.")] = Options().noise_draws,
    formulas_per_length: Annotated[
        int, typer.Option(help="Formulas in each length bucket.")
    ] = Options().formulas_per_length,
    direct_test: Annotated[bool, typer.Option(help="Whether to run the direct length test.")] = True,
) -> None:
    """The service's answer without a server; files of one shape and scheme run stacked."""
    settings = Settings()
    device = settings.torch_device()
    options = Options(
        seed=seed, noise_draws=noise_draws, formulas_per_length=formulas_per_length, direct_test=direct_test
    )
    loaded = []
    for path in files:
        try:
            loaded.append((path, load_upload(path)))
        except CheckpointError as error:
            complaints.print(f"[red]{path}[/red]: {error}", highlight=False)
    meta_classifiers = load_meta_classifiers(settings.models_dir, device)
    for together in batches([checkpoint for _, checkpoint in loaded]):
        chosen = [loaded[number] for number in together]
        answers = diagnose([checkpoint for _, checkpoint in chosen], meta_classifiers, device, options)
        for (path, _), answer in zip(chosen, answers, strict=True):
            if as_json:
                sys.stdout.write(json.dumps({"file": str(path), **answer.model_dump(mode="json")}) + "\n")
            else:
                console.print(f"\n[bold]{path}[/bold]")
                _print_diagnosis(answer)
    if len(loaded) < len(files):
        raise typer.Exit(1)


@app.command()
def convert(
    state: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .pt state dict.")],
    config: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The subject's config as JSON.")],
    out: Annotated[Path, typer.Option(help="The checkpoint to write.")],
) -> None:
    """Make a checkpoint of a PyTorch state dict, on your own machine."""
    try:
        convert_state(state, config, out)
    except CheckpointError as error:
        raise _fail(str(error)) from error
    console.print(f"Wrote {out}")


Strangers = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="Zoo of subjects unlike this one's, to test abstaining on; by default zoo-strangers beside it.",
    ),
]


def _strangers_beside(zoo: Path, given: Path | None) -> Path | None:
    beside = zoo.resolve().parent / "zoo-strangers"
    return given or (beside if beside.is_dir() else None)


@app.command()
def train(
    zoo: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the zoo.")],
    out: Annotated[Path, typer.Option(help="Folder of the meta-classifier, models/NAME.")],
    workers: Annotated[int, typer.Option(help="Processes, one thread each.")] = os.cpu_count() or 1,
    strangers: Strangers = None,
) -> None:
    """Train the sandwich over a zoo, with its baselines, and write weights, card, predictions and report; run it again
    to go on after a stop."""
    try:
        with _progress_bar() as bar:
            job = bar.add_task("jobs", total=None)
            card = train_meta_classifier(
                zoo,
                out,
                workers,
                Settings().torch_device(),
                lambda done, total: bar.update(job, completed=done, total=total),
                strangers=_strangers_beside(zoo, strangers),
            )
    except ValueError as error:
        raise _fail(str(error)) from error
    _print_figures(card)


@app.command()
def evaluate(
    zoo: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the zoo.")],
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder of the meta-classifier.")],
    strangers: Strangers = None,
) -> None:
    """Recompute the card's figures from zoo and model, and write report and plots."""
    try:
        with console.status("Recomputing every figure: some ten minutes for a zoo of 1,000 subjects on a CPU"):
            card = evaluate_meta_classifier(zoo, model, Settings().torch_device(), _strangers_beside(zoo, strangers))
    except ValueError as error:
        raise _fail(str(error)) from error
    _print_figures(card)


@zoo_app.command("build")
def zoo_build(
    folder: Annotated[Path, typer.Argument(help="Folder of the zoo; what is finished there is kept.")],
    task: Annotated[TaskName, typer.Option(help="Family of formulas.")] = TaskName.CONJUNCTION,
    recipe: Annotated[
        RecipeName, typer.Option(help="Subjects of one task and T, or of all tasks, many T and sizes.")
    ] = RecipeName.ONE_TASK,
    models: Annotated[int, typer.Option(min=1, help="Subjects to train.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the recipe.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    workers: Annotated[int, typer.Option(help="Processes, one thread each.")] = os.cpu_count() or 1,
    steps: Annotated[int | None, typer.Option(help="Training steps, before the recipe's own factors.")] = None,
    part: Annotated[
        str, typer.Option(help="Build only part i of n, as i/n with i from 0; merge the folders later.")
    ] = "0/1",
    engine: Annotated[EngineName, typer.Option(help="Processes of this machine, or a Ray cluster.")] = EngineName.LOCAL,
    address: Annotated[str | None, typer.Option(help="Ray cluster to join; none: one on this machine.")] = None,
    groups_a_stack: Annotated[
        int | None, typer.Option(min=1, help="Configurations trained as one batch: by default 1 on a CPU, 32 on a GPU.")
    ] = None,
) -> None:
    """Train and label subjects; run it again to go on after a stop."""
    if recipe is RecipeName.BROAD and steps is not None:
        raise _fail("--steps goes with --recipe one-task; the broad recipe has steps of its own for each task")
    if recipe is RecipeName.BROAD:
        groups = broad_manifest(-(-models // SEEDS_PER_GROUP), seed)
    else:
        groups = manifest(_recipe(task, -(-models // RECIPES[task].seeds_per_group), seed, steps))
    number, _, parts = part.partition("/")
    if not (number.isdigit() and parts.isdigit() and int(number) < int(parts)):
        raise _fail(f"--part is {part!r}; give it as i/n with i from 0 to n - 1")
    groups = groups[int(number) :: int(parts)]
    with _progress_bar() as bar:
        job = bar.add_task("subjects", total=sum(len(group.seeds) for group in groups))
        converged = 0

        def advance(trained: int, of_them_converged: int) -> None:
            nonlocal converged
            converged += of_them_converged
            bar.update(job, advance=trained, description=f"subjects ({converged} new converged)")

        try:
            build(
                folder,
                groups,
                _engine(engine, device, workers, address),
                groups_a_stack=groups_a_stack or (1 if device == "cpu" else 32),
                progress=advance,
            )
        except (OtherRecipe, BuildFailed) as error:
            raise _fail(str(error)) from error
    zoo_info(folder)


def _recipe(task: TaskName, groups: int, seed: int, steps: int | None) -> Recipe:
    changes = {"groups": groups, "seed": seed} | ({} if steps is None else {"steps": steps})
    return RECIPES[task].model_copy(update=changes)


def _engine(name: EngineName, device: str, workers: int, address: str | None) -> Engine:
    if name is EngineName.LOCAL:
        return LocalPool(workers, device)
    try:
        from probe_sandwich.zoo.engines.ray_cluster import RayCluster  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise _fail("Ray is not installed; run `pip install 'probe-sandwich[ray]'`") from error
    return RayCluster(address, device)


@zoo_app.command("strangers")
def zoo_strangers(
    folder: Annotated[Path, typer.Argument(help="Folder of the zoo; what is finished there is kept.")],
    workers: Annotated[int, typer.Option(help="Processes, one thread each.")] = os.cpu_count() or 1,
) -> None:
    """Train subjects unlike those of the zoos, of another task and of twice the size, to test abstaining on."""
    build(folder, stranger_groups(), LocalPool(workers))
    zoo_info(folder)


@zoo_app.command("merge")
def zoo_merge(
    folder: Annotated[Path, typer.Argument(help="Folder of the whole zoo.")],
    parts: Annotated[
        list[Path] | None, typer.Argument(exists=True, file_okay=False, help="Folders to bring in.")
    ] = None,
) -> None:
    """Bring parts that were built elsewhere into one zoo, and make its index anew."""
    merge(folder, parts or [])
    zoo_info(folder)


@zoo_app.command("prune")
def zoo_prune(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)]) -> None:
    """Drop the weights of subjects that did not converge, to pass a zoo on; what is known of them stays."""
    try:
        prune(folder)
    except ValueError as error:
        raise _fail(str(error)) from error
    zoo_info(folder)


@zoo_app.command("verify")
def zoo_verify(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    sample: Annotated[int, typer.Option(min=0, help="Subjects to test again.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
) -> None:
    """Recompute all hashes, and the counts of some subjects from their weights."""
    try:
        checked = verify(folder, sample, seed, Settings().torch_device())
    except ValueError as error:
        raise _fail(str(error)) from error
    without = f" ({checked.pruned} pruned subjects have no weights)" if checked.pruned else ""
    console.print(f"{checked.subjects} hashes are right{without}; {checked.retested} subjects tested again")
    if checked.wrong:
        raise _fail(f"counts differ for {', '.join(checked.wrong)}")
    console.print("all counts are right")


@zoo_app.command("card")
def zoo_card(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    task: Annotated[TaskName, typer.Option(help="Family of formulas that the zoo was built with.")] = (
        TaskName.CONJUNCTION
    ),
    seed: Annotated[int, typer.Option(help="Seed of the recipe that the zoo was built with.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Training steps that the zoo was built with.")] = None,
    sample: Annotated[int, typer.Option(min=1, help="Subjects to test again on other formulas.")] = 300,
    retrained: Annotated[int, typer.Option(min=0, help="Groups to train again.")] = 10,
) -> None:
    """Check the labels and write the zoo's card and plot (a minute for each group trained again)."""
    try:
        groups = max(row.group for row in read_index(folder)) + 1
        write_card(folder, _recipe(task, groups, seed, steps), sample, retrained, 0, Settings().torch_device())
    except ValueError as error:
        raise _fail(str(error)) from error
    zoo_info(folder)


@zoo_app.command("info")
def zoo_info(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Counts, label balance by position scheme, accuracies."""
    summary = summarize(read_index(folder))
    card = read_card(folder)
    if as_json:
        facts = {**summary.model_dump(mode="json"), "card": card.model_dump(mode="json") if card else None}
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return
    console.print(
        f"{summary.subjects} subjects, {summary.converged} converged, {summary.generalizers} generalizers; "
        f"{summary.configurations} configurations, {summary.mixed_configurations} with both labels; "
        f"{summary.reserve} subjects in the reserve"
    )
    table = Table("scheme", "subjects", "converged", "generalizers", "share", "long accuracy 10 / 50 / 90 %")
    for scheme, row in summary.by_scheme.items():
        quantiles = " / ".join(f"{value:.3f}" for value in row.long_accuracy_quantiles)
        share = f"{row.generalizers / row.converged:.0%}" if row.converged else "-"
        share += " (one-sided)" if row.one_sided else ""
        table.add_row(scheme, str(row.subjects), str(row.converged), str(row.generalizers), share, quantiles)
    console.print(table)
    if card is None:
        console.print(f"No card of this state of the zoo; make one with: probe-sandwich zoo card {folder}")
    else:
        _print_zoo_card(card)


def _print_zoo_card(card: ZooCard) -> None:
    labels, training = card.label_stability, card.training_stability
    table = Table("labels compared with", "subjects", "flipped", "certain", "flipped")
    snapshots = {f"their own at {float(share):.0%} of training": flips for share, flips in training.snapshots.items()}
    for name, flips in {
        "a second test set": labels.second_test_set,
        "a second sampler": labels.second_sampler,
        "full precision": training.half_precision,
        **snapshots,
    }.items():
        table.add_row(name, str(flips.compared), str(flips.flipped), str(flips.certain), str(flips.certain_flipped))
    console.print(table)
    readers = ", ".join(f"{bucket} {max(found.values()):.3f}" for bucket, found in card.bag_of_symbols.items())
    console.print(f"Best reader of bags of symbols: {readers}", highlight=False)
    console.print(f"Trained again: {training.reproduced} of {training.subjects} subjects came out bit for bit the same")
    console.print(
        f"{card.summary.train_core_seconds / 3600:.1f} hours of training on {', '.join(card.devices)}; "
        f"licence {card.licence}; index sha256 {card.index_sha256[:16]}…"
    )
    console.print(f"Made by: {card.rebuild}", soft_wrap=True)


@formulas_app.command("sample")
def formulas_sample(
    task: Annotated[TaskName, typer.Option(help="Family of formulas.")] = TaskName.CONJUNCTION,
    min_length: Annotated[int, typer.Option(min=1)] = 6,
    max_length: Annotated[int, typer.Option(min=1)] = 32,
    count: Annotated[int, typer.Option(min=2)] = 10,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Print balanced formulas as JSON lines."""
    try:
        formulas = sample_formulas(tasks.Task(name=task), min_length, max_length, count, seed)
    except ValueError as error:
        raise _fail(str(error)) from error
    for text, satisfiable in zip(formulas.texts(), formulas.satisfiable.tolist(), strict=True):
        sys.stdout.write(json.dumps({"formula": text, "satisfiable": satisfiable, "length": len(text)}) + "\n")


class _Rate(ProgressColumn):
    """Steps a minute."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed * 60:.1f}/min")


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=complaints,
    )


def _print_diagnosis(diagnosis: Diagnosis) -> None:
    summary = diagnosis.checkpoint
    console.print(
        f"{summary.parameters:,} parameters, task {summary.task}, trained on up to T = {summary.train_max_length}"
    )
    if diagnosis.generalizer_probability is not None and diagnosis.probability_interval is not None:
        low, high = diagnosis.probability_interval
        console.print(
            f"Probe sandwich: P(generalizer) = [bold]{diagnosis.generalizer_probability:.2f}[/bold]"
            f"  [{low:.2f}, {high:.2f}]"
        )
    console.print(f"Verdict:        [bold]{diagnosis.verdict}[/bold] ({diagnosis.reason})", highlight=False)
    test = diagnosis.direct_test
    if test is None:
        return
    table = Table(
        "lengths", "in T", "correct", "accuracy", "95 % interval", title="Direct length test", title_justify="left"
    )
    for bucket in test.buckets:
        lengths = f"{bucket.min_length}-{bucket.max_length}"
        if bucket.accuracy is None or bucket.accuracy_low is None or bucket.accuracy_high is None:
            table.add_row(lengths, bucket.relative, "-", "-", bucket.unreachable or "")
            continue
        interval = f"{bucket.accuracy_low:.3f} to {bucket.accuracy_high:.3f}"
        table.add_row(
            lengths, bucket.relative, f"{bucket.correct}/{bucket.formulas}", f"{bucket.accuracy:.3f}", interval
        )
    console.print(table)
    long_accuracy = "unknown" if test.long_accuracy is None else f"{test.long_accuracy:.3f}"
    console.print(
        f"Direct test:    {'generalizer' if test.generalizer else 'not a generalizer'} "
        f"(accuracy {long_accuracy} on (T, 2T], cut {test.definition.generalizer_cut:.2f}; reach {test.reach:g}T)"
    )
    console.print(
        f"Agreement:      {diagnosis.agreement}   ({diagnosis.timings_seconds.total:.2f} s on {diagnosis.device})"
    )


def _print_figures(card: Card) -> None:
    titles = {
        "Out of fold, on configurations never trained on": card.metrics,
        "The whole ensemble, on configurations in reserve": card.reserve,
        "The whole ensemble, on configurations that joined the zoo later": card.later,
    }
    for title, figures in titles.items():
        if not figures:
            continue
        table = Table("method", "AUC (95 %)", "within", "Brier", "ECE", title=title, title_justify="left")
        for method, one in figures.items():
            area = f"{short(one['auc'])} ({short(one['auc_low'])}-{short(one['auc_high'])})"
            names = ("within_configuration_auc", "brier", "expected_calibration_error")
            table.add_row(method.replace("_", " "), area, *(short(one[name]) for name in names))
        console.print(table)


if __name__ == "__main__":
    app()
