"""`probe-sandwich zoo`: build and look at zoos."""

import json
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probe_sandwich.cli.failures import console, explained, fail, wrong_option
from probe_sandwich.cli.options import CORES, MOST_SEED, Address, Device, EngineName, Workers, cluster
from probe_sandwich.cli.progress import progress
from probe_sandwich.cli.show import show_zoo, show_zoo_card
from probe_sandwich.tasks.logic.tasks import TaskName

if TYPE_CHECKING:
    from probe_sandwich.zoo.build import Engine
    from probe_sandwich.zoo.recipe import Group, Recipe

app = typer.Typer(help="Build and look at zoos of labelled Transformers.", no_args_is_help=True)

Zoo = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the zoo.")]
NewZoo = Annotated[Path, typer.Argument(file_okay=False, help="Folder of the zoo; what is finished there is kept.")]


class RecipeName(StrEnum):
    """What a zoo holds."""

    ONE_TASK = "one-task"
    BROAD = "broad"


@app.command("build")
def build(
    folder: NewZoo,
    task: Annotated[TaskName, typer.Option(help="Family of formulas.")] = TaskName.CONJUNCTION,
    recipe: Annotated[
        RecipeName, typer.Option(help="Subjects of one task and T, or of all tasks, many T and sizes.")
    ] = RecipeName.ONE_TASK,
    models: Annotated[int, typer.Option(min=1, help="Subjects to train.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the recipe.")] = 0,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.CPU,
    workers: Workers = CORES,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Training steps, before the recipe's own factors: by default 1300, of cnf 3000; not of broad."
        ),
    ] = None,
    part: Annotated[
        str, typer.Option(help="Build only part i of n, as i/n with i from 0; merge the folders later.")
    ] = "0/1",
    engine: Annotated[EngineName, typer.Option(help="Processes of this machine, or a Ray cluster.")] = EngineName.LOCAL,
    address: Address = None,
    groups_a_stack: Annotated[
        int | None, typer.Option(min=1, help="Configurations trained as one batch: by default 1 on a CPU, 32 on a GPU.")
    ] = None,
) -> None:
    """Train and label subjects; run it again to go on after a stop."""
    with explained(lambda: _finished_so_far(folder)):
        from probe_sandwich.settings import torch_device  # noqa: PLC0415

        torch_device(device)
        groups = _broad(models, seed, steps) if recipe is RecipeName.BROAD else _one_task(task, models, seed, steps)
        groups = groups[_part_of(part)]
        _build(folder, groups, _engine(engine, device, workers, address), groups_a_stack or _stacked(device))


def _finished_so_far(folder: Path) -> str:
    from probe_sandwich.zoo.shards import finished_groups  # noqa: PLC0415

    return (
        f"{len(finished_groups(folder))} finished groups are kept in {folder}; the same command goes on from there, "
        f"and `probe-sandwich zoo merge {folder}` makes a zoo of what is there"
    )


def _part_of(part: str) -> slice:
    number, _, parts = part.partition("/")
    if not (number.isdigit() and parts.isdigit() and int(number) < int(parts)):
        raise wrong_option("--part", f"it is {part!r}; give it as i/n with i from 0 to n - 1")
    return slice(int(number), None, int(parts))


def _stacked(device: Device) -> int:
    return 1 if device is Device.CPU else 32


def _one_task(task: TaskName, models: int, seed: int, steps: int | None) -> "list[Group]":
    from probe_sandwich.zoo.recipe import RECIPES, manifest  # noqa: PLC0415

    return manifest(_recipe(task, -(-models // RECIPES[task].seeds_per_group), seed, steps))


def _recipe(task: TaskName, groups: int, seed: int, steps: int | None) -> "Recipe":
    from probe_sandwich.zoo.recipe import RECIPES  # noqa: PLC0415

    changes = {"groups": groups, "seed": seed} | ({} if steps is None else {"steps": steps})
    return RECIPES[task].model_copy(update=changes)


def _broad(models: int, seed: int, steps: int | None) -> "list[Group]":
    from probe_sandwich.zoo.broad import SEEDS_PER_GROUP, broad_manifest  # noqa: PLC0415

    _refuse_steps(steps)
    return broad_manifest(-(-models // SEEDS_PER_GROUP), seed)


def _refuse_steps(steps: int | None) -> None:
    if steps is not None:
        raise wrong_option(
            "--steps", "it goes with --recipe one-task; the broad recipe has steps of its own for each task"
        )


def _engine(name: EngineName, device: Device, workers: int, address: str | None) -> "Engine":
    if name is EngineName.LOCAL:
        from probe_sandwich.zoo.engines.local import LocalPool  # noqa: PLC0415

        return LocalPool(workers, device)
    on_cluster = cluster(address, device)
    from probe_sandwich.zoo.engines.ray_cluster import RayCluster  # noqa: PLC0415 - an optional extra

    return RayCluster(on_cluster)


def _build(folder: Path, groups: "list[Group]", engine: "Engine", groups_a_stack: int) -> None:
    from probe_sandwich.zoo.build import build as build_zoo  # noqa: PLC0415
    from probe_sandwich.zoo.shards import finished_groups  # noqa: PLC0415

    there = finished_groups(folder)
    total = sum(len(group.seeds) for group in groups if group.index not in there)
    with progress("subjects", total) as ticker:
        trained = converged = 0

        def advance(subjects: int, of_them_converged: int) -> None:
            nonlocal trained, converged
            trained, converged = trained + subjects, converged + of_them_converged
            ticker.count(trained, total, f"subjects ({converged} new converged)")

        build_zoo(folder, groups, engine, groups_a_stack=groups_a_stack, progress=advance)
    _show(folder)


@app.command("merge")
@explained(lambda: "shards that were copied are kept; run it again")
def merge(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder of the whole zoo.")],
    parts: Annotated[
        list[Path] | None, typer.Argument(exists=True, file_okay=False, help="Folders to bring in.")
    ] = None,
) -> None:
    """Bring parts that were built elsewhere into one zoo, and make its index anew."""
    from probe_sandwich.zoo.shards import merge as merge_zoos  # noqa: PLC0415

    merge_zoos(folder, parts or [])
    _show(folder)


@app.command("prune")
@explained(lambda: "every shard is either as it was or pruned; run it again")
def prune(folder: Zoo) -> None:
    """Drop the weights of subjects that did not converge, to pass a zoo on; what is known of them stays."""
    from probe_sandwich.zoo.shards import prune as prune_zoo  # noqa: PLC0415

    prune_zoo(folder)
    _show(folder)


@app.command("verify")
@explained()
def verify(
    folder: Zoo,
    sample: Annotated[int, typer.Option(min=0, help="Subjects to test again; 0: only the hashes.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the sample.")] = 0,
) -> None:
    """Recompute all hashes, and the counts of some subjects from their weights."""
    from probe_sandwich.settings import Settings  # noqa: PLC0415
    from probe_sandwich.zoo.verify import verify as verify_zoo  # noqa: PLC0415

    with progress(f"reading {folder} and its hashes") as ticker:
        count = partial(ticker.count, what="subjects tested again")
        checked = verify_zoo(folder, sample, seed, Settings().torch_device(), count)
    without = f" ({checked.pruned} pruned subjects have no weights)" if checked.pruned else ""
    if not checked.subjects:
        raise fail(f"nothing was tested: {folder} holds no weights{without}; fetch a zoo that was not pruned")
    console.print(f"{checked.subjects} hashes are right{without}; {checked.retested} subjects tested again")
    if checked.wrong:
        raise fail(f"counts differ for {', '.join(checked.wrong)}")
    console.print("all counts are right" if checked.retested else "no counts were tested: --sample is 0")


@app.command("card")
@explained(lambda: "no card was written; run it again")
def card(
    folder: Zoo,
    task: Annotated[TaskName, typer.Option(help="Family of formulas that the zoo was built with; not of broad.")] = (
        TaskName.CONJUNCTION
    ),
    recipe: Annotated[RecipeName, typer.Option(help="Recipe that the zoo was built with.")] = RecipeName.ONE_TASK,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed that the zoo was built with.")] = 0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Training steps that the zoo was built with: by default as of build; not of broad."),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Subjects to test again on other formulas.")] = 300,
    retrained: Annotated[int, typer.Option(min=0, help="Groups to train again.")] = 10,
) -> None:
    """Check how well the labels hold, on other inputs and by training again (minutes a group, more where it was trained
    for long), and write it into the zoo's folder: zoo-card.json, which `info` shows, and accuracies.png."""
    from probe_sandwich.settings import Settings  # noqa: PLC0415
    from probe_sandwich.zoo.broad import BroadRecipe  # noqa: PLC0415
    from probe_sandwich.zoo.card import write_card  # noqa: PLC0415
    from probe_sandwich.zoo.shards import read_index  # noqa: PLC0415

    made_by: Recipe | BroadRecipe
    if recipe is RecipeName.BROAD:
        _refuse_steps(steps)
        made_by = BroadRecipe(seed=seed)
    else:
        made_by = _recipe(task, max(row.group for row in read_index(folder)) + 1, seed, steps)
    with progress("reading the zoo") as ticker:
        write_card(folder, made_by, sample, retrained, 0, Settings().torch_device(), ticker.stage)
    _show(folder)


@app.command("info")
@explained()
def info(folder: Zoo, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Counts, labels and accuracies by position scheme and by task, and the card, if there is one."""
    _show(folder, as_json)


def _show(folder: Path, as_json: bool = False) -> None:
    from probe_sandwich.zoo.card import read_card  # noqa: PLC0415
    from probe_sandwich.zoo.info import summarize  # noqa: PLC0415
    from probe_sandwich.zoo.shards import read_index  # noqa: PLC0415

    summary, found = summarize(read_index(folder)), read_card(folder)
    if as_json:
        facts = {**summary.model_dump(mode="json"), "card": found.model_dump(mode="json") if found else None}
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return
    show_zoo(summary)
    if found is None:
        console.print(
            "No card of this state of the zoo, which would say how well its labels hold; make one with "
            f"`probe-sandwich zoo card {folder}`, naming the recipe that it was built with"
        )
    else:
        show_zoo_card(found)
