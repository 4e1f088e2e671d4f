"""Small worlds that the tests of evidence share."""

from pathlib import Path
from shutil import copyfile

import pytest
import torch
from probe_sandwich.evidence.build import train_meta_classifier
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.evidence import Evidence, read_evidence
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.zoo.shards import merge, read_index, shard_path

GROUPS = range(24)
CONFIG = SandwichConfig(
    probe_length=12, probes=8, generator_hidden=32, probe_features=4, readout_hidden=8, heads=2, quantiles=3
)
TRAINING = SandwichTraining(
    warm_up_steps=300, fitting_draws=1, readout_epochs=15, readout_rate=5e-3, epochs=1, subjects_per_step=16, folds=2
)


@pytest.fixture(scope="session")
def shipped() -> Zoo:
    """The converged subjects of the shipped zoo outside its reserve."""
    folder = SHIPPED_MODELS / "zoo-conjunction"
    return Zoo.of(folder, [row for row in read_index(folder) if not row.reserve])


def add_groups(folder: Path, groups: range) -> None:
    """Copy configurations of the shipped zoo into a zoo."""
    for group in groups:
        path = shard_path(folder, group)
        path.parent.mkdir(parents=True, exist_ok=True)
        copyfile(shard_path(SHIPPED_MODELS / "zoo-conjunction", group), path)
    merge(folder, [])


@pytest.fixture(scope="session")
def small_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first configurations of the shipped zoo."""
    folder = tmp_path_factory.mktemp("experiment") / "zoo"
    add_groups(folder, GROUPS)
    return folder


@pytest.fixture(scope="session")
def trained(small_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A meta-classifier's folder, trained in seconds."""
    folder = tmp_path_factory.mktemp("experiment") / "small"
    train_meta_classifier(small_zoo, folder, 2, torch.device("cpu"), config=CONFIG, training=TRAINING)
    return folder


@pytest.fixture
def evidence(trained: Path) -> Evidence:
    return read_evidence(trained)


@pytest.fixture
def zoo(small_zoo: Path) -> Zoo:
    return Zoo.of(small_zoo, [row for row in read_index(small_zoo) if not row.reserve])
