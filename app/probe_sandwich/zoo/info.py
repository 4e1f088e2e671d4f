"""What a zoo holds, counted from its index."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel

from probe_sandwich.zoo.shards import IndexRow

LEAST_SHARE = 0.15
"""Of each label among a scheme's converged subjects; a scheme with less is one-sided."""
CUTS = (0.80, 0.85, 0.90, 0.95)


class PartSummary(BaseModel):
    """Counts of a position scheme, or of a task, as of a zoo; quantiles (10, 50, 90 %) over its converged subjects."""

    subjects: int
    converged: int
    generalizers: int
    configurations: int
    mixed_configurations: int
    one_sided: bool
    long_accuracy_quantiles: list[float]


class ZooSummary(BaseModel):
    """Counts of a zoo; labels count among converged subjects only. Configurations are those that hold converged
    subjects, or, of the whole zoo, any; mixed ones hold both labels."""

    subjects: int
    converged: int
    generalizers: int
    certain: int
    configurations: int
    mixed_configurations: int
    reserve: int
    generalizers_at_cut: dict[str, int]
    train_core_seconds: float
    by_scheme: dict[str, PartSummary]
    by_task: dict[str, PartSummary]


def summarize(rows: Sequence[IndexRow]) -> ZooSummary:
    """Count subjects, labels and configurations."""
    converged = [row for row in rows if row.converged]
    return ZooSummary(
        subjects=len(rows),
        converged=len(converged),
        generalizers=sum(row.label for row in converged),
        certain=sum(row.certain for row in converged),
        configurations=len({row.group for row in rows}),
        mixed_configurations=sum(len(labels) == 2 for labels in _labels(converged).values()),
        reserve=sum(row.reserve for row in rows),
        generalizers_at_cut={f"{cut:.2f}": sum(row.retest(cut).generalizer for row in converged) for cut in CUTS},
        train_core_seconds=round(sum(row.train_seconds for row in rows), 1),
        by_scheme=_parts(rows, lambda row: row.scheme.value),
        by_task=_parts(rows, lambda row: str(row.config.task.name)),
    )


def _labels(converged: Sequence[IndexRow]) -> dict[int, set[bool]]:
    """The labels in each configuration."""
    found: dict[int, set[bool]] = defaultdict(set)
    for row in converged:
        found[row.group].add(row.label)
    return found


def _parts(rows: Sequence[IndexRow], part_of: Callable[[IndexRow], str]) -> dict[str, PartSummary]:
    parts: dict[str, list[IndexRow]] = defaultdict(list)
    for row in rows:
        parts[part_of(row)].append(row)
    return {name: _part(parts[name]) for name in sorted(parts)}


def _part(rows: Sequence[IndexRow]) -> PartSummary:
    converged = [row for row in rows if row.converged]
    accuracies = [row.long_accuracy for row in converged if row.long_accuracy is not None]
    quantiles = np.quantile(accuracies, (0.1, 0.5, 0.9)).round(4).tolist() if accuracies else []
    labels = _labels(converged)
    return PartSummary(
        subjects=len(rows),
        converged=len(converged),
        generalizers=sum(row.label for row in converged),
        configurations=len(labels),
        mixed_configurations=sum(len(both) == 2 for both in labels.values()),
        one_sided=_is_one_sided([row.label for row in converged]),
        long_accuracy_quantiles=quantiles,
    )


def _is_one_sided(labels: Sequence[bool]) -> bool:
    return bool(labels) and not LEAST_SHARE <= sum(labels) / len(labels) <= 1 - LEAST_SHARE
