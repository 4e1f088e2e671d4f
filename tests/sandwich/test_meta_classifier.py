"""The saved meta-classifier: weights and card."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from probe_sandwich.answer import Definition, TrackRecord
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.card import Card, ZooFacts
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import (
    CARD,
    WEIGHTS,
    DamagedMetaClassifier,
    Member,
    load_meta_classifier,
    save_meta_classifier,
)
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.zoo.cohorts import Cohort
from safetensors.torch import load_file, save_file

CONFIG = SandwichConfig(probes=8, noise_dim=8, edits=1)
NO_ZOO = ZooFacts(groups=0, rows_sha256="", subjects=0, converged=0, reserve=0, generalizers=0)
NO_FIGURES = TrackRecord(
    subjects=0,
    positives=0,
    auc=None,
    auc_low=None,
    auc_high=None,
    within_configuration_auc=None,
    brier=None,
    expected_calibration_error=None,
    accuracy=None,
)


@pytest.fixture
def meta_folder(tmp_path: Path) -> Path:
    """An untrained meta-classifier of two members."""
    rng = np.random.default_rng(0)
    features = len(ANSWER_CHANNELS) * 2 * CONFIG.variants
    supports = [fit_support(rng.normal(size=(50, features)), rng.normal(size=(50, features))) for _ in range(2)]
    members = [Member(Readout(CONFIG), Calibration(slope=1.0, shift=0.0), support) for support in supports]
    card = Card(
        name="untrained",
        definition=Definition(),
        threshold=0.5,
        sandwich=CONFIG,
        training=SandwichTraining(),
        calibrations=[],
        support_limits=[],
        student_quantile=6.31,
        zoo=NO_ZOO,
        track_record=NO_FIGURES,
        tasks={},
        other_tasks=None,
        packages={},
        sha256="",
    )
    save_meta_classifier(tmp_path / "untrained", Prober(CONFIG), members, card)
    return tmp_path / "untrained"


def test_a_saved_meta_classifier_predicts_the_same_for_the_same_seed(meta_folder: Path, shipped_cohort: Cohort) -> None:
    meta = load_meta_classifier(meta_folder, torch.device("cpu"))
    again = load_meta_classifier(meta_folder, torch.device("cpu"))
    one, other = (m.predict(shipped_cohort.subjects, seed=3) for m in (meta, again))
    assert (one.probability == other.probability).all()
    assert (one.low <= one.probability).all()
    assert (one.probability <= one.high).all()
    assert not (one.probability == meta.predict(shipped_cohort.subjects, seed=4).probability).all()


def test_weights_that_do_not_match_the_card_are_refused(meta_folder: Path) -> None:
    content = bytearray((meta_folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (meta_folder / WEIGHTS).write_bytes(bytes(content))
    with pytest.raises(DamagedMetaClassifier):
        load_meta_classifier(meta_folder, torch.device("cpu"))


def test_weights_of_another_version_are_refused(meta_folder: Path) -> None:
    tensors = load_file(meta_folder / WEIGHTS)
    name = next(name for name, tensor in tensors.items() if tensor.dim() == 2)
    save_file(tensors | {name: tensors[name][:1].contiguous()}, meta_folder / WEIGHTS)
    card = Card.model_validate_json((meta_folder / CARD).read_text())
    digest = hashlib.sha256((meta_folder / WEIGHTS).read_bytes()).hexdigest()
    (meta_folder / CARD).write_text(card.model_copy(update={"sha256": digest}).model_dump_json())
    with pytest.raises(DamagedMetaClassifier, match="another version of the sandwich"):
        load_meta_classifier(meta_folder, torch.device("cpu"))


def test_another_card_is_refused(meta_folder: Path) -> None:
    (meta_folder / CARD).write_text("{}")
    with pytest.raises(DamagedMetaClassifier, match="not a meta-classifier's card"):
        load_meta_classifier(meta_folder, torch.device("cpu"))
