"""The zoo's card: what it holds, how its labels were checked, and how to make it again."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from pydantic import BaseModel, ValidationError

from probe_sandwich.answer import Definition
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import buckets
from probe_sandwich.tasks.datasets import NoFormulas, sample_formulas
from probe_sandwich.tasks.shortcuts import bag_of_symbols_accuracy
from probe_sandwich.tasks.splits import Split
from probe_sandwich.tasks.task import AnyTask
from probe_sandwich.zoo.broad import BroadRecipe, broad_group
from probe_sandwich.zoo.build import OtherRecipe, check_recipe
from probe_sandwich.zoo.info import ZooSummary, summarize
from probe_sandwich.zoo.recipe import Group, Recipe, manifest
from probe_sandwich.zoo.shards import INDEX, IndexRow, read_index
from probe_sandwich.zoo.stability import LabelStability, TrainingStability, label_stability, training_stability

CARD, PLOT = "zoo-card.json", "accuracies.png"
LICENCE = "Apache-2.0"
_READER_FORMULAS = 4000
PACKAGES = ("probe-sandwich", "torch", "numpy", "safetensors")


class NothingConverged(ValueError):
    """A zoo has no converged subject, so there is no label to check."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"no subject in {folder} has converged, so there is no label to check; train more subjects, or longer"
        )


class ZooCard(BaseModel):
    """The JSON beside the index.

    `bag_of_symbols`: for each task, at the T that most of its subjects have, and each length bucket that has balanced
    inputs, the accuracy of a linear reader and of a small MLP that see nothing but counts of symbols and the length;
    0.5 is chance.
    """

    recipe: Recipe | BroadRecipe
    definition: Definition
    summary: ZooSummary
    seeds: int
    devices: dict[str, int]
    bag_of_symbols: dict[str, dict[str, dict[str, float]]]
    label_stability: LabelStability
    training_stability: TrainingStability
    index_sha256: str
    packages: dict[str, str]
    rebuild: str
    licence: str = LICENCE


def read_card(folder: Path) -> ZooCard | None:
    """The card, or None where none was made, an earlier version made it, or the zoo has grown since."""
    path = folder / CARD
    if not path.exists():
        return None
    try:
        card = ZooCard.model_validate_json(path.read_bytes())
    except ValidationError:
        return None
    return card if card.index_sha256 == _index_hash(folder) else None


def write_card(
    folder: Path,
    recipe: Recipe | BroadRecipe,
    sample: int,
    retrained: int,
    seed: int,
    device: torch.device,
    progress: Callable[[str], None] = lambda stage: None,
) -> ZooCard:
    """Measure and write card and plot: `sample` subjects tested again, `retrained` groups trained again. `progress` is
    called with the name of each stage as it starts.

    Raises `NotAZoo`, `OtherRecipe`, `NothingConverged`, `DamagedShard`.
    """
    rows = read_index(folder)
    groups = _groups(recipe, {row.group for row in rows})
    check_recipe(folder, groups)
    if not any(row.converged for row in rows):
        raise NothingConverged(folder)
    # Every so many, so that all schemes take turns.
    chosen = groups[:: max(1, len(groups) // retrained)][:retrained] if retrained else []
    definition = rows[0].definition
    progress("reading bags of symbols")
    bags = _bags_of_symbols(rows)
    progress(f"testing {sample} subjects again")
    labels = label_stability(folder, rows, sample, seed, device)
    progress(f"training {len(chosen)} groups again")
    training = training_stability(chosen, rows, definition, device)
    card = ZooCard(
        recipe=recipe,
        definition=definition,
        summary=summarize(rows),
        seeds=len({row.seed for row in rows}),
        devices={device: sum(row.device == device for row in rows) for device in sorted({row.device for row in rows})},
        bag_of_symbols=bags,
        label_stability=labels,
        training_stability=training,
        index_sha256=_index_hash(folder),
        packages={package: version(package) for package in PACKAGES},
        rebuild=_rebuild(recipe, len(rows)),
    )
    write_atomically(folder / CARD, (card.model_dump_json(indent=2) + "\n").encode())
    plot_accuracies(rows, folder / PLOT)
    return card


def _groups(recipe: Recipe | BroadRecipe, there: set[int]) -> list[Group]:
    if isinstance(recipe, BroadRecipe):
        try:
            return [broad_group(index, recipe.seed) for index in sorted(there)]
        except IndexError as error:
            raise OtherRecipe(f"the broad recipe has no group {max(there)}; was it made by a later version?") from error
    return [group for group in manifest(recipe) if group.index in there]


def _rebuild(recipe: Recipe | BroadRecipe, subjects: int) -> str:
    if isinstance(recipe, BroadRecipe):
        # The command takes families in turn; a zoo need not hold so many of each.
        return f"probe_sandwich.zoo.broad.broad_group(number, {recipe.seed}), for each group of the index"
    return (
        f"probe-sandwich zoo build DIR --task {recipe.task.name} --models {subjects} --seed {recipe.seed} "
        f"--steps {recipe.steps}"
    )


def plot_accuracies(rows: Sequence[IndexRow], path: Path) -> None:
    """Histograms of the long accuracy of converged subjects, one for each position scheme."""
    schemes = sorted({row.scheme.value for row in rows})
    edges = [0.5 + 0.02 * step for step in range(26)]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7.2, 1.3 * len(schemes) + 0.6), layout="constrained")
        panels = figure.subplots(len(schemes), sharex=True, squeeze=False)[:, 0]
        for panel, scheme in zip(panels, schemes, strict=True):
            own = [
                row for row in rows if row.scheme.value == scheme and row.converged and row.long_accuracy is not None
            ]
            cut = rows[0].definition.generalizer_cut
            for label, colour, name in ((False, "#c1553b", "not generalizers"), (True, "#2f6f9f", "generalizers")):
                values = [row.long_accuracy for row in own if row.label is label and row.long_accuracy is not None]
                panel.hist(values, bins=edges, color=colour, label=f"{name}: {len(values)}")
            panel.axvline(cut, color="black", linewidth=0.8, linestyle="--")
            panel.set_ylabel(scheme)
            panel.legend(loc="upper left", frameon=False)
        panels[-1].set_xlabel("accuracy on lengths (T, 2T] of converged subjects")
        figure.savefig(path, dpi=150)


def _bags_of_symbols(rows: Sequence[IndexRow]) -> dict[str, dict[str, dict[str, float]]]:
    commonest: dict[str, tuple[AnyTask, int]] = {}
    for (task, longest), _ in Counter((row.config.task, row.config.train_max_length) for row in rows).most_common():
        commonest.setdefault(str(task.name), (task, longest))
    return {f"{name}, T = {commonest[name][1]}": _bag_of_symbols(*commonest[name]) for name in sorted(commonest)}


def _bag_of_symbols(task: AnyTask, train_max_length: int) -> dict[str, dict[str, float]]:
    accuracies = {}
    for bucket in buckets(train_max_length):
        try:
            train, test = (
                sample_formulas(task, bucket.min_length, bucket.max_length, _READER_FORMULAS, seed, split)
                for seed, split in ((1, Split.TRAINING), (2, Split.EVALUATION))
            )
        except NoFormulas:
            continue
        accuracies[bucket.relative] = bag_of_symbols_accuracy(train, test)
    return accuracies


def _index_hash(folder: Path) -> str:
    return hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()
