"""The direct length test: accuracy on fresh solver-labelled formulas, bucket by bucket of length."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.answer import BucketResult, Definition, LengthTestResult
from probe_sandwich.subjects.batching import Cancelling, never, row_batches, stop_if
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.tasks.datasets import Formulas, NoFormulas, sample_formulas
from probe_sandwich.tasks.splits import Split
from probe_sandwich.tasks.task import AnyTask

BUCKET_EDGES = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Multiples of the training length T; the first bucket is in-distribution, the next two are (T, 2T]."""
LONG = slice(1, 3)
_Z_95 = 1.959963984540054
_CACHED_BUCKETS, _CACHED_SYMBOLS = 64, 1 << 18
_cached: dict[tuple[AnyTask, int, int, int, int, bool], Formulas] = {}


@dataclass(frozen=True)
class Bucket:
    """Lengths `min_length` to `max_length`, in symbols."""

    min_length: int
    max_length: int
    relative: str

    def of(self, inputs: Formulas) -> NDArray[np.bool_]:
        """Which inputs have its lengths."""
        inside: NDArray[np.bool_] = (inputs.lengths >= self.min_length) & (inputs.lengths <= self.max_length)
        return inside


def buckets(train_max_length: int) -> list[Bucket]:
    """The length buckets of a subject trained up to T symbols."""
    edges = itertools.pairwise(BUCKET_EDGES)
    return [
        Bucket(int(low * train_max_length) + 1, int(high * train_max_length), f"({low:g}T, {high:g}T]")
        for low, high in edges
    ]


def bucket_formulas(
    task: AnyTask,
    min_length: int,
    max_length: int,
    count: int,
    seed: int,
    cancelled: Cancelling = never,
    *,
    otherwise: bool = False,
) -> Formulas:
    """The formulas of one bucket, made once and kept where they are not too many. Raises `NoFormulas`, `Cancelled`."""
    key = (task, min_length, max_length, count, seed, otherwise)
    formulas = _cached.get(key)
    if formulas is None:
        formulas = sample_formulas(
            task,
            min_length,
            max_length,
            count,
            seed,
            Split.EVALUATION,
            lambda: stop_if(cancelled),
            otherwise=otherwise,
        )
        if formulas.ids.size <= _CACHED_SYMBOLS:
            if len(_cached) == _CACHED_BUCKETS:
                del _cached[next(iter(_cached))]
            _cached[key] = formulas
    return formulas


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927). Needs `total >= 1`."""
    share = correct / total
    scale = 1 + _Z_95**2 / total
    centre = (share + _Z_95**2 / (2 * total)) / scale
    half = _Z_95 / scale * (share * (1 - share) / total + _Z_95**2 / (4 * total**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def run_length_test(
    stack: Subjects,
    definition: Definition = Definition(),
    before_bucket: Callable[[Bucket], None] = lambda bucket: None,
    cancelled: Cancelling = never,
    *,
    otherwise: bool = False,
) -> list[LengthTestResult]:
    """Test every subject of a stack; all share the task and T of the first. `otherwise`: on inputs drawn in
    another way.

    Raises `NoFormulas` where T is too short for any balanced formula, and `Cancelled`.
    """
    config = stack.configs[0]
    counts: list[_Counted | BucketResult] = []
    for bucket in buckets(config.train_max_length):
        if config.longest_formula is not None and bucket.max_length > config.longest_formula:
            counts.append(_unreachable(bucket, f"the position table ends at {config.longest_formula} symbols"))
            continue
        before_bucket(bucket)
        try:
            formulas = bucket_formulas(
                config.task,
                bucket.min_length,
                bucket.max_length,
                definition.formulas_per_bucket,
                definition.seed,
                cancelled,
                otherwise=otherwise,
            )
        except NoFormulas:
            if bucket.min_length == 1:
                raise
            counts.append(_unreachable(bucket, f"task {config.task.name} has no balanced formulas of these lengths"))
        else:
            run = replace(bucket, min_length=int(formulas.lengths.min()))
            counts.append((run, len(formulas), count_correct(stack, formulas, cancelled)))
    return [_result(counts, row, definition) for row in range(len(stack))]


def run_labelled_test(
    stack: Subjects, labelled: Formulas, definition: Definition = Definition(), cancelled: Cancelling = never
) -> list[LengthTestResult]:
    """Test every subject of a stack on labelled inputs that were given, sorted by length. Raises `Cancelled`."""
    config = stack.configs[0]
    counts: list[_Counted | BucketResult] = []
    for bucket in buckets(config.train_max_length):
        inside = bucket.of(labelled)
        if config.longest_formula is not None and bucket.max_length > config.longest_formula:
            counts.append(_unreachable(bucket, f"the position table ends at {config.longest_formula} symbols"))
        elif not inside.any():
            counts.append(_unreachable(bucket, "no labelled input of these lengths was given"))
        else:
            some = labelled.select(np.flatnonzero(inside))
            run = replace(bucket, min_length=int(some.lengths.min()))
            counts.append((run, len(some), count_correct(stack, some, cancelled)))
    return [_result(counts, row, definition) for row in range(len(stack))]


def count_correct(stack: Subjects, formulas: Formulas, cancelled: Cancelling = never) -> NDArray[np.int64]:
    """Formulas that each subject classifies rightly, `(models,)`. Raises `Cancelled`."""
    lengths, labels = torch.from_numpy(formulas.lengths) + 1, torch.from_numpy(formulas.satisfiable).long()
    correct = torch.zeros(len(stack), dtype=torch.long, device=stack.device)
    with torch.inference_mode():
        for rows in row_batches(stack, len(formulas), int(lengths.max()), cancelled):
            # Formulas come sorted by length: a batch is cut to its longest.
            width = int(lengths[rows].max())
            batch = torch.from_numpy(formulas.with_begin(rows))[:, :width].to(stack.device)
            mask = torch.arange(width)[None] < lengths[rows, None]
            logits = stack.forward(stack.embed_ids(batch[None]), mask.to(stack.device)).logits
            correct += (logits.argmax(dim=-1) == labels[rows].to(stack.device)).sum(dim=1)
    return correct.cpu().numpy()


_Counted = tuple[Bucket, int, NDArray[np.int64]]


def _result(counts: Sequence[_Counted | BucketResult], row: int, definition: Definition) -> LengthTestResult:
    results = []
    for entry in counts:
        if isinstance(entry, BucketResult):
            results.append(entry)
            continue
        bucket, total, correct = entry
        results.append(_bucket_result(bucket, total, int(correct[row])))
    return judge(results, definition)


def judge(results: list[BucketResult], definition: Definition) -> LengthTestResult:
    """The decision from the buckets' counts."""
    inside = results[0].accuracy or 0.0
    long_buckets = results[LONG]
    accuracy = low = high = None
    if all(bucket.formulas for bucket in long_buckets):
        correct, total = (sum(getattr(b, name) for b in long_buckets) for name in ("correct", "formulas"))
        accuracy = correct / total
        low, high = wilson_interval(correct, total)
    converged = inside >= definition.convergence_cut
    return LengthTestResult(
        definition=definition,
        buckets=results,
        in_distribution_accuracy=inside,
        long_accuracy=accuracy,
        long_accuracy_low=low,
        long_accuracy_high=high,
        converged=converged,
        generalizer=converged and accuracy is not None and accuracy >= definition.generalizer_cut,
        reach=_reach(results, definition.generalizer_cut),
    )


def _reach(results: Sequence[BucketResult], cut: float) -> float:
    reach = 0.0
    for edge, bucket in zip(BUCKET_EDGES[1:], results, strict=True):
        if bucket.accuracy is None or bucket.accuracy < cut:
            break
        reach = edge
    return reach


def _bucket_result(bucket: Bucket, total: int, correct: int) -> BucketResult:
    low, high = wilson_interval(correct, total)
    return BucketResult(
        min_length=bucket.min_length,
        max_length=bucket.max_length,
        relative=bucket.relative,
        formulas=total,
        correct=correct,
        accuracy=correct / total,
        accuracy_low=low,
        accuracy_high=high,
    )


def _unreachable(bucket: Bucket, reason: str) -> BucketResult:
    return BucketResult(
        min_length=bucket.min_length,
        max_length=bucket.max_length,
        relative=bucket.relative,
        formulas=0,
        correct=0,
        accuracy=None,
        accuracy_low=None,
        accuracy_high=None,
        unreachable=reason,
    )
