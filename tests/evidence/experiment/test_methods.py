"""One table names every method."""

from probe_sandwich.evidence.experiment.methods import METHODS
from probe_sandwich.evidence.report.predictions import PREDICTIONS, read_predictions
from probe_sandwich.settings import SHIPPED_MODELS


def test_every_method_that_is_predicted_has_a_row_in_the_table() -> None:
    columns = read_predictions(SHIPPED_MODELS / "conjunction" / PREDICTIONS)
    assert set(columns) == set(METHODS)


def test_no_two_methods_have_one_name_in_print() -> None:
    titles = [method.title for method in METHODS.values()]
    assert len(set(titles)) == len(titles)
