"""What an answer is: the documented example is one."""

import json
from pathlib import Path

import pytest
from probe_sandwich import api
from probe_sandwich.answer import Diagnosis

EXAMPLE = (Path(api.__file__).parent / "example_diagnosis.json").read_text()


def test_the_documented_example_comes_back_as_it_went() -> None:
    assert json.loads(Diagnosis.model_validate_json(EXAMPLE).model_dump_json()) == json.loads(EXAMPLE)


@pytest.mark.parametrize(
    ("low", "high", "certain"), [(0.95, 1.0, True), (0.5, 0.7, True), (0.85, 0.95, False), (None, None, False)]
)
def test_a_label_is_certain_where_the_interval_lies_clear_of_the_cut(
    low: float | None, high: float | None, certain: bool
) -> None:
    test = Diagnosis.model_validate_json(EXAMPLE).direct_test
    assert test is not None
    assert test.definition.generalizer_cut == 0.9
    assert test.model_copy(update={"long_accuracy_low": low, "long_accuracy_high": high}).certain is certain
