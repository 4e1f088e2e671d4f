"""What a row says of a length test."""

from probe_sandwich.answer import BucketResult, Definition
from probe_sandwich.length_test import judge
from probe_sandwich.zoo.foreign.store import ForeignRow
from probe_sandwich.zoo.label import Label, label_of
from probe_sandwich.zoo.shards import IndexRow


def bucket(accuracy: float) -> BucketResult:
    low, high = accuracy - 0.01, accuracy + 0.01
    counts = {"formulas": 100, "correct": round(100 * accuracy)}
    return BucketResult.model_validate(
        {"min_length": 1, "max_length": 2, "relative": "", "accuracy": accuracy}
        | {"accuracy_low": low, "accuracy_high": high}
        | counts
    )


def test_a_label_is_what_the_length_test_decided() -> None:
    result = judge([bucket(accuracy) for accuracy in (0.97, 0.95, 0.93, 0.7, 0.6)], Definition())
    label = label_of(result)
    assert (label["converged"], label["label"], label["reach"]) == (True, True, 2.0)
    assert label["certain"] is result.certain
    assert (label["in_distribution_accuracy"], label["long_accuracy"]) == (0.97, 0.94)


def test_both_zoos_have_a_place_for_all_of_it() -> None:
    for row in (IndexRow, ForeignRow):
        fields = {name: field.annotation for name, field in row.model_fields.items()}
        assert Label.__annotations__.items() <= fields.items()
