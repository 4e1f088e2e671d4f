"""Do labels hold? Against other formulas, another sampler, full precision, and earlier moments of training."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor

from probe_sandwich.answer import Definition, LengthTestResult
from probe_sandwich.length_test import run_length_test
from probe_sandwich.subjects.config import Shape
from probe_sandwich.subjects.transformer import SubjectStack, join, on_device
from probe_sandwich.tasks.task import AnyTask
from probe_sandwich.zoo.build import training_run
from probe_sandwich.zoo.precision import pack, unpack
from probe_sandwich.zoo.recipe import Group
from probe_sandwich.zoo.shards import IndexRow, read_weights, subject_hash
from probe_sandwich.zoo.training import train_stack

SNAPSHOTS = (0.6, 0.8)
_MODELS_A_STACK = 32


class Flips(BaseModel):
    """Labels compared, and how many came out otherwise; also among those that are `certain`."""

    compared: int
    flipped: int
    certain: int
    certain_flipped: int

    @staticmethod
    def count(before: Sequence[tuple[bool, bool]], after: Sequence[bool]) -> "Flips":
        """From (label, certain) before and the label after."""
        flipped = [label != new for (label, _), new in zip(before, after, strict=True)]
        certain = [is_certain for _, is_certain in before]
        return Flips(
            compared=len(flipped),
            flipped=sum(flipped),
            certain=sum(certain),
            certain_flipped=sum(flip and sure for flip, sure in zip(flipped, certain, strict=True)),
        )


class LabelStability(BaseModel):
    """Labels of converged subjects against other formulas: of another seed, and of another sampler."""

    second_test_set: Flips
    second_sampler: Flips


class TrainingStability(BaseModel):
    """Groups trained once more, with their weights seen in full precision, as they are stored, and on the way.

    `snapshots` compares, for each share of training, the label then with the final one, over the subjects that had
    converged at both moments; `converged_at` says how many had by then.
    """

    groups: list[int]
    subjects: int
    reproduced: int
    stored_precision: Flips
    converged_at: dict[str, int]
    snapshots: dict[str, Flips]


def label_stability(
    folder: Path, rows: Sequence[IndexRow], sample: int, seed: int, device: torch.device
) -> LabelStability:
    """Test a random sample of the converged subjects on two further sets of formulas. Raises `DamagedShard`."""
    converged = [row for row in rows if row.converged]
    chosen = [converged[n] for n in np.random.default_rng(seed).permutation(len(converged))[:sample].tolist()]
    definition = chosen[0].definition
    other_seed = definition.model_copy(update={"seed": definition.seed + 1})
    return LabelStability(
        second_test_set=_retested(folder, chosen, device, lambda stack: run_length_test(stack, other_seed)),
        second_sampler=_retested(
            folder, chosen, device, lambda stack: run_length_test(stack, other_seed, otherwise=True)
        ),
    )


def _retested(
    folder: Path,
    rows: Sequence[IndexRow],
    device: torch.device,
    test: Callable[[SubjectStack], list[LengthTestResult]],
) -> Flips:
    # A length test is of one task and T.
    alike: dict[tuple[Shape, AnyTask, int], list[IndexRow]] = defaultdict(list)
    for row in rows:
        alike[row.config.shape, row.config.task, row.config.train_max_length].append(row)
    before, after = [], []
    # Of one task and T after another: their inputs are drawn once.
    for key in sorted(alike, key=lambda key: (str(key[1]), key[2])):
        together = alike[key]
        for start in range(0, len(together), _MODELS_A_STACK):
            part = together[start : start + _MODELS_A_STACK]
            weights = [on_device(single, device) for single in read_weights(folder, part)]
            stack = join(list(zip([row.config for row in part], weights, strict=True)))
            before += [(row.label, row.certain) for row in part]
            after += [_generalizes(result) for result in test(stack)]
    return Flips.count(before, after)


def _generalizes(result: LengthTestResult) -> bool:
    """The label alone, whatever a second set says of convergence."""
    return result.long_accuracy is not None and result.long_accuracy >= result.definition.generalizer_cut


def training_stability(
    groups: Sequence[Group], rows: Sequence[IndexRow], definition: Definition, device: torch.device
) -> TrainingStability:
    """Train groups of a finished zoo once more, and compare."""
    stored = {row.seed: row for row in rows}
    reproduced = 0
    precisions: list[tuple[LengthTestResult, LengthTestResult]] = []
    at: dict[float, list[tuple[IndexRow, LengthTestResult]]] = {share: [] for share in SNAPSHOTS}
    for group in groups:
        (trained,) = train_stack([training_run(group)], device, SNAPSHOTS)
        own = [stored[seed] for seed in group.seeds]
        # Of the same weights: a group trained again on another processor is not the one that is stored.
        kept = unpack(pack(trained.weights))
        reproduced += sum(subject_hash(kept, n) == row.subject for n, row in enumerate(own))
        as_kept = _test(group, {name: weight.float() for name, weight in kept.items()}, definition, device)
        precisions += zip(as_kept, _test(group, trained.weights, definition, device), strict=True)
        for share, weights in zip(SNAPSHOTS, trained.snapshots, strict=True):
            at[share] += zip(own, _test(group, weights, definition, device), strict=True)
    return TrainingStability(
        groups=[group.index for group in groups],
        subjects=len(precisions),
        reproduced=reproduced,
        stored_precision=Flips.count(
            [(kept.generalizer, kept.certain) for kept, _ in precisions],
            [full.generalizer for _, full in precisions],
        ),
        converged_at={f"{share:g}": sum(r.converged for _, r in results) for share, results in at.items()}
        | {"1": sum(stored[seed].converged for group in groups for seed in group.seeds)},
        snapshots={f"{share:g}": _flicker(results) for share, results in at.items()},
    )


def _test(
    group: Group, weights: dict[str, Tensor], definition: Definition, device: torch.device
) -> list[LengthTestResult]:
    subjects = SubjectStack.of([group.config] * len(group.seeds), on_device(weights, device))
    return run_length_test(subjects, definition)


def _flicker(results: Sequence[tuple[IndexRow, LengthTestResult]]) -> Flips:
    both = [(row, result) for row, result in results if row.converged and result.converged]
    return Flips.count([(row.label, row.certain) for row, _ in both], [result.generalizer for _, result in both])
