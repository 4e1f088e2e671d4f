"""What the row of a labelled subject says of its length test."""

from typing import TypedDict

from probe_sandwich.answer import BucketResult, Definition, LengthTestResult


class Label(TypedDict):
    """Fields that every index of labelled subjects has."""

    buckets: list[BucketResult]
    converged: bool
    label: bool
    certain: bool
    in_distribution_accuracy: float
    long_accuracy: float | None
    reach: float
    definition: Definition


def label_of(result: LengthTestResult) -> Label:
    """A subject's label, and what it rests on."""
    return Label(
        buckets=result.buckets,
        converged=result.converged,
        label=result.generalizer,
        certain=result.certain,
        in_distribution_accuracy=result.in_distribution_accuracy,
        long_accuracy=result.long_accuracy,
        reach=result.reach,
        definition=result.definition,
    )
