"""Trains the foreign test set, resuming what is there: `python -m tests.benchmarks.foreign FOLDER [FAMILY|TASK...]`."""

from pathlib import Path
from sys import argv

import torch
from probe_sandwich.zoo.foreign.build import build
from probe_sandwich.zoo.foreign.config import Family
from probe_sandwich.zoo.foreign.recipe import manifest
from probe_sandwich.zoo.foreign.store import ForeignRow


def print_row(row: ForeignRow) -> None:
    """What became of one subject."""
    config = row.config
    long = "-" if row.long_accuracy is None else f"{row.long_accuracy:.3f}"
    print(
        f"{row.number} {config.task.name} {config.family} T={config.train_max_length} d={config.d_model} "
        f"{config.table} {config.pool} "
        f"offset={row.training.max_offset}: {row.in_distribution_accuracy:.3f} then {long}"
        f"{'' if row.given_up_at is None else ', given up'}, {row.train_seconds:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # optimizers' moments get that small, and processors slow
    families = set(argv[2:]) & set(Family) or set(Family)
    tasks = set(argv[2:]) - set(Family)
    plans = [
        plan for plan in manifest() if plan.config.family in families and (not tasks or plan.config.task.name in tasks)
    ]
    build(Path(argv[1]), plans, progress=print_row)
