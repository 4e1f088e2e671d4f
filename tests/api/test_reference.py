"""What the page shows beside an answer."""

from pathlib import Path

import pytest
from probe_sandwich.api.reference import BINS, example_file, examples, histograms


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with one example and a meta-classifier's predictions."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "generalizer.safetensors").touch()
    (tmp_path / "mine").mkdir()
    rows = ["1,0.99", "1,1.0", "0,0.0", "0,0.51", "1,"]
    (tmp_path / "mine" / "predictions.csv").write_text("\n".join(["label,sandwich", *rows]))
    return tmp_path


def test_only_examples_that_are_there_are_offered(models: Path) -> None:
    assert [example.name for example in examples(models / "examples")] == ["generalizer"]


def test_no_name_leads_out_of_the_folder_of_examples(models: Path) -> None:
    folder = models / "examples"
    (folder / "other.safetensors").touch()
    assert example_file(folder, "generalizer") == folder / "generalizer.safetensors"
    assert [example_file(folder, name) for name in ("not-generalizer", "other", "../mine/predictions")] == [None] * 3


def test_a_probability_of_one_falls_into_the_last_bin_and_a_missing_one_into_none(models: Path) -> None:
    (histogram,) = histograms(models / "mine")
    assert histograms(models) == []
    assert histogram.meta_classifier == "mine"
    assert {number: count for number, count in enumerate(histogram.generalizers) if count} == {BINS - 1: 2}
    assert {number: count for number, count in enumerate(histogram.not_generalizers) if count} == {0: 1, BINS // 2: 1}


def test_the_reserve_is_in_no_bin_and_is_counted(models: Path) -> None:
    (without,) = histograms(models / "mine")
    (models / "mine" / "reserve.csv").write_text("label,sandwich\n1,0.5\n0,0.5\n")
    (with_reserve,) = histograms(models / "mine")
    assert (without.reserve, with_reserve.reserve) == (0, 2)
    assert with_reserve.generalizers == without.generalizers
