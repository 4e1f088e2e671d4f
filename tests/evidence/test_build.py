"""From a zoo to a meta-classifier folder."""

from pathlib import Path

import pytest
import torch
from probe_sandwich.evidence.build import ZooTooSmall, train_meta_classifier
from probe_sandwich.evidence.evaluation import NothingToCompare, evaluate_meta_classifier
from probe_sandwich.evidence.report.predictions import read_predictions

from tests.evidence.conftest import CONFIG, TRAINING


def test_a_sandwich_trained_alone_is_the_one_trained_with_its_rivals(
    trained: Path, small_zoo: Path, tmp_path: Path
) -> None:
    found = train_meta_classifier(
        small_zoo, tmp_path, 2, torch.device("cpu"), config=CONFIG, training=TRAINING, only_sandwich=True
    )
    assert set(found.out_of_fold) == set(read_predictions(tmp_path / "predictions.csv")) == {"sandwich"}
    assert (tmp_path / "sandwich.safetensors").read_bytes() == (trained / "sandwich.safetensors").read_bytes()
    with pytest.raises(NothingToCompare, match="trained alone"):
        evaluate_meta_classifier(small_zoo, tmp_path, torch.device("cpu"))


def test_a_folder_of_half_a_zoo_is_refused(tiny_zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(ZooTooSmall, match="at least 10 of each"):
        train_meta_classifier(tiny_zoo, tmp_path / "meta", 1, torch.device("cpu"))
