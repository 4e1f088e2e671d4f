"""What verdicts are worth on subjects unlike the zoo's, kind by kind: `python -m tests.benchmarks.strangers ZOO...`.

Every converged `conjunction` subject of the zoos is judged by the whole ensemble, whatever it would abstain from, so
that what abstaining costs can be seen. The zoos must hold no subject that the ensemble was trained on: reserve and
later configurations of the shipped zoo, or another zoo.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from sys import argv

import numpy as np
import torch
from probe_sandwich.diagnosis import load_meta_classifiers
from probe_sandwich.evidence.experiment.ensemble import whole_ensemble
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.strangers import freshly_initialized, with_shuffled_weights
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.sandwich.prediction import Prediction
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.cohorts import load_cohorts
from probe_sandwich.zoo.shards import IndexRow, read_index

CPU = torch.device("cpu")
_MADE_OF_A_SHAPE = 4


@dataclass(frozen=True)
class Judged:
    """One subject: its kinds, whether its verdict would be right, how far it lies from the zoo in units of the limit,
    and whether the members are of two minds."""

    kinds: tuple[str, ...]
    right: bool
    unlikeness: float
    split: bool


def kinds_of(row: IndexRow) -> tuple[str, ...]:
    """The slices that a subject counts in."""
    config = row.config
    return (
        "all",
        f"T = {config.train_max_length}",
        f"{config.scheme} positions",
        f"{config.activation} activation",
        f"{config.pooling} pooling",
        f"width {config.d_model}",
        f"{config.layers} layers",
        "causal" if config.causal else "not causal",
    )


def unseen_rows(meta: MetaClassifier, folder: Path) -> list[IndexRow]:
    """Converged subjects that the ensemble was not trained on, long enough for its probes."""
    rows = [row for row in read_index(folder) if row.config.task.name is TaskName.CONJUNCTION]
    if folder.name == "zoo-conjunction":
        rows = [row for row in rows if row.reserve or row.group >= meta.card.zoo.groups]
    return [row for row in rows if row.converged and row.config.train_max_length >= meta.card.sandwich.probe_length]


def judge(meta: MetaClassifier, folder: Path) -> Iterator[Judged]:
    """Every unseen subject of a zoo."""
    rows = unseen_rows(meta, folder)
    if not rows:
        return
    zoo = Zoo.of(folder, rows)
    prediction = whole_ensemble(meta, zoo, CPU)
    right = (prediction.probability >= meta.card.threshold) == zoo.labels
    split = prediction.split(meta.card.threshold)
    for number, row in enumerate(rows):
        yield Judged(kinds_of(row), bool(right[number]), float(prediction.unlikeness[number]), bool(split[number]))


def print_table(judged: list[Judged]) -> None:
    """Kind by kind: right if all were answered, share answered, right of the answered."""
    by_kind: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        for kind in one.kinds:
            by_kind[kind].append(one)
    print("| kind | subjects | right if all were answered | answered | right of the answered | farthest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind, some in by_kind.items():
        answered = [one for one in some if one.unlikeness <= 1 and not one.split]
        right = np.mean([one.right for one in some])
        of_answered = f"{np.mean([one.right for one in answered]):.2f}" if answered else "-"
        farthest = max(one.unlikeness for one in some)
        print(f"| {kind} | {len(some)} | {right:.2f} | {len(answered)} | {of_answered} | {farthest:.2f} |")


def print_what_must_be_kept_out(meta: MetaClassifier) -> None:
    """How far subjects lie that answer nothing: made of the reserve's, and unconverged ones."""
    folder = SHIPPED_MODELS / "zoo-conjunction"
    reserve = [row for row in read_index(folder) if row.reserve and row.row is not None]
    found: dict[str, list[Prediction]] = defaultdict(list)
    for number, cohort in enumerate(load_cohorts(folder, [row for row in reserve if row.converged], CPU)):
        few = cohort.subjects.select(list(range(min(_MADE_OF_A_SHAPE, len(cohort.subjects)))))
        found["shuffled weights"].append(meta.predict(with_shuffled_weights(few, number)))
        found["freshly initialized"].append(meta.predict(freshly_initialized(few, number)))
    for cohort in load_cohorts(folder, [row for row in reserve if not row.converged], CPU):
        found["not converged"].append(meta.predict(cohort.subjects))
    print("\n| what must be kept out | subjects | least distance | 0.1 quantile | median | called generalizers |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind, predictions in found.items():
        distance = np.concatenate([one.unlikeness for one in predictions])
        called = np.concatenate([one.probability for one in predictions]) >= meta.card.threshold
        least, tenth, middle = np.quantile(distance, (0, 0.1, 0.5))
        print(f"| {kind} | {len(distance)} | {least:.2f} | {tenth:.2f} | {middle:.2f} | {called.mean():.2f} |")


if __name__ == "__main__":
    torch.set_num_threads(1)
    ensemble = load_meta_classifiers(SHIPPED_MODELS, CPU)[TaskName.CONJUNCTION]
    print_table([one for path in argv[1:] for one in judge(ensemble, Path(path))])
    print_what_must_be_kept_out(ensemble)
