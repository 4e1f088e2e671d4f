"""How far to believe a ranking's ties: pairs of reserve subjects that are told apart, and those that are tied.

python -m tests.benchmarks.ties [ZOO]

Of every pair of converged subjects of one configuration that no member of the ensemble was trained on: whether it is
told apart, and whether the one with the higher P also has the higher accuracy on (T, 2T]. Some minutes on one core.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import torch
from probe_sandwich.sandwich.meta_classifier import load_meta_classifier
from probe_sandwich.settings import SHIPPED_MODELS, Settings
from probe_sandwich.zoo.cohorts import in_chunks, load_cohorts
from probe_sandwich.zoo.shards import read_index

MARGINS = (0.0, 0.03)
"""Least difference of two accuracies that a pair counts with."""


def main(zoo: Path) -> None:
    """Ask the ensemble, and print a table."""
    meta = load_meta_classifier(Settings().model, torch.device("cpu"))
    rows = [row for row in read_index(zoo) if row.reserve and row.converged and row.long_accuracy is not None]
    members = np.zeros((len(meta.members), len(rows)))
    for chunk in in_chunks(load_cohorts(zoo, rows, torch.device("cpu"))):
        members[:, chunk.numbers.numpy()] = meta.predict(chunk.subjects).members
    accuracy = np.array([row.long_accuracy for row in rows])
    pairs = [(i, j) for i, j in itertools.combinations(range(len(rows)), 2) if rows[i].group == rows[j].group]
    print(
        f"{len(rows)} subjects, {len({row.group for row in rows})} configurations, {meta.card.name} {meta.card.version}"
    )
    for margin in MARGINS:
        counted = [(i, j) for i, j in pairs if abs(accuracy[i] - accuracy[j]) > margin]
        difference = np.stack([members[:, i] - members[:, j] for i, j in counted])  # (pairs, members)
        better = np.array([accuracy[i] > accuracy[j] for i, j in counted])
        right = (difference.mean(axis=1) > 0) == better
        apart = (difference > 0).all(axis=1) | (difference < 0).all(axis=1)
        print(
            f"accuracies that differ by more than {margin:.2f}: {len(counted)} pairs, {apart.mean():.0%} told apart; "
            f"ordered rightly: {right[apart].mean():.0%} of those, {right[~apart].mean():.0%} of the tied"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED_MODELS / "zoo-conjunction")
