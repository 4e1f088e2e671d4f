"""What verdicts are worth on subjects unlike the zoo's, kind by kind: `python -m tests.benchmarks.strangers FOLDER...`.

A folder is a zoo of our own architecture, or the foreign test set. Every converged subject in it is judged by the whole
ensemble, whatever it would abstain from, so that what abstaining costs can be seen; beside them stands what must be
kept out. The zoos must hold no subject that the ensemble was trained on: of the shipped zoos, the reserve is taken, of
another everything.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from sys import argv

import numpy as np
import torch
from probe_sandwich.evidence.figures.elsewhere import (
    CPU,
    Judged,
    by_kind,
    judge_foreign,
    judge_made_of_foreign,
    judge_zoo,
    worth,
)
from probe_sandwich.evidence.figures.strangers import freshly_initialized, with_shuffled_weights
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.transformer import SubjectStack
from probe_sandwich.zoo.cohorts import load_cohorts
from probe_sandwich.zoo.foreign.store import WEIGHTS
from probe_sandwich.zoo.shards import IndexRow, shard_rows

BANDS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, float("inf"))
LIMITS = BANDS[2:]
_MADE_OF_A_SHAPE = 4
TRAINED_ON = ("zoo-conjunction", "zoo-broad")


def is_foreign(folder: Path) -> bool:
    """Whether a folder is the foreign test set."""
    return (folder / WEIGHTS).is_dir()


def judge(meta: MetaClassifier, folder: Path) -> Iterator[Judged]:
    """Every converged subject of a folder that the ensemble was not trained on."""
    if is_foreign(folder):
        yield from judge_foreign(meta, folder)
        return
    yield from judge_zoo(meta, folder, lambda row: is_unseen(folder, row))


def is_unseen(folder: Path, row: IndexRow) -> bool:
    """Whether the ensemble was not trained on a subject of a zoo."""
    return folder.name not in TRAINED_ON or row.reserve


def judge_kept_out(meta: MetaClassifier, folder: Path) -> Iterator[Judged]:
    """Subjects that can answer nothing: shuffled, fresh, or not converged."""
    if is_foreign(folder):
        yield from judge_made_of_foreign(meta, folder)
        return
    rows = [row for row in shard_rows(folder) if row.row is not None and is_unseen(folder, row)]
    for kind, subjects in made_of(folder, rows):
        said = meta.predict(subjects)
        for place, far in enumerate(said.unlikeness.tolist()):
            split = bool(said.split(meta.card.threshold)[place])
            yield Judged((kind,), False, False, float(said.probability[place]), far, split)


def made_of(folder: Path, rows: Sequence[IndexRow]) -> Iterator[tuple[str, SubjectStack]]:
    """A few shuffled and fresh ones of each shape, and those that did not converge."""
    for number, cohort in enumerate(load_cohorts(folder, [row for row in rows if row.converged], CPU)):
        few = cohort.subjects.select(list(range(min(_MADE_OF_A_SHAPE, len(cohort.subjects)))))
        yield "own, shuffled weights", with_shuffled_weights(few, number)
        yield "own, freshly initialized", freshly_initialized(few, number)
    for cohort in load_cohorts(folder, [row for row in rows if not row.converged], CPU):
        yield "own, not converged", cohort.subjects


def print_worth(judged: Sequence[Judged], threshold: float) -> None:
    """Kind by kind."""
    print(
        "| kind | subjects | generalizers | AUC | right if all were answered | answered | right of the answered | "
        "unlikeness, median | largest |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind, some in by_kind(judged).items():
        figures = worth(some, threshold)
        print(
            f"| {kind} | {figures.subjects} | {figures.generalizers} | {_short(figures.auc)} | "
            f"{figures.accuracy:.2f} | {figures.answered} | {_short(figures.accuracy_of_answered)} | "
            f"{figures.median_unlikeness:.2f} | "
            f"{figures.largest_unlikeness:.2f} |"
        )


def print_bands(judged: Sequence[Judged], kept_out: Sequence[Judged], threshold: float) -> None:
    """By distance: how many converged subjects lie there, how many verdicts are right, what else lies there."""
    kinds = sorted(by_kind(kept_out))
    print(f"\n| unlikeness | converged | right | of one mind | right of those | {' | '.join(kinds)} |")
    print(f"| {' | '.join(['---'] * (5 + len(kinds)))} |")
    for low, high in itertools.pairwise(BANDS):
        here = [one for one in judged if low <= one.unlikeness < high]
        agreed = [one for one in here if not one.split]
        others = [sum(low <= one.unlikeness < high for one in by_kind(kept_out)[kind]) for kind in kinds]
        print(
            f"| {low:g} to {high:g} | {len(here)} | {_share(here, threshold)} | {len(agreed)} | "
            f"{_share(agreed, threshold)} | {' | '.join(map(str, others))} |"
        )


def print_limits(judged: Sequence[Judged], kept_out: Sequence[Judged], threshold: float) -> None:
    """What a limit on distance would do: share answered and right of converged ones, share let through of the rest."""
    kinds = sorted(by_kind(kept_out))
    print(f"\n| limit | answered | right of the answered | {' | '.join(f'let through: {kind}' for kind in kinds)} |")
    print(f"| {' | '.join(['---'] * (3 + len(kinds)))} |")
    for limit in LIMITS:
        figures = worth(judged, threshold, limit)
        through = [
            np.mean([one.unlikeness <= limit and not one.split for one in by_kind(kept_out)[kind]]) for kind in kinds
        ]
        print(
            f"| {limit:g} | {figures.answered / figures.subjects:.2f} | {_short(figures.accuracy_of_answered)} | "
            f"{' | '.join(f'{share:.2f}' for share in through)} |"
        )


def _share(some: Sequence[Judged], threshold: float) -> str:
    return _short(float(np.mean([(one.probability >= threshold) == one.label for one in some])) if some else None)


def _short(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.2f}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    ensemble = load_meta_classifier(Settings().model, CPU)
    folders = [Path(path) for path in argv[1:]]
    answers = [one for folder in folders for one in judge(ensemble, folder)]
    outsiders = [one for folder in folders for one in judge_kept_out(ensemble, folder)]
    print_worth([*answers, *outsiders], ensemble.card.threshold)
    print_bands(answers, outsiders, ensemble.card.threshold)
    print_limits(answers, outsiders, ensemble.card.threshold)
