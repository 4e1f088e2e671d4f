"""The whole experiment on a small part of the shipped zoo: what must come out, and what must fail."""

from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch
from probe_sandwich.evidence.arms import CONTROLS, SEVERED, SHUFFLED, shuffling
from probe_sandwich.evidence.build import train_meta_classifier
from probe_sandwich.evidence.evaluation import NothingToCompare, evaluate_meta_classifier
from probe_sandwich.evidence.folds import make_folds
from probe_sandwich.evidence.metrics import auc_interval
from probe_sandwich.evidence.predictions import read_predictions
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.zoo.shards import merge, read_index, shard_path

CONFIG = SandwichConfig(
    probe_length=12, probes=8, generator_hidden=32, probe_features=4, readout_hidden=8, heads=2, quantiles=3
)
TRAINING = SandwichTraining(
    warm_up_steps=300, kept_draws=1, readout_epochs=15, readout_rate=5e-3, epochs=1, subjects_per_step=16, folds=2
)
GROUPS = range(24)
LATER = range(24, 28)


@pytest.fixture(scope="module")
def small_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first configurations of the shipped zoo."""
    folder = tmp_path_factory.mktemp("experiment") / "zoo"
    _add(folder, GROUPS)
    return folder


@pytest.fixture(scope="module")
def trained(small_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A meta-classifier's folder, trained in seconds."""
    folder = tmp_path_factory.mktemp("experiment") / "small"
    train_meta_classifier(small_zoo, folder, 2, torch.device("cpu"), config=CONFIG, training=TRAINING)
    return folder


@pytest.fixture
def card(trained: Path) -> Card:
    return Card.model_validate_json((trained / "card.json").read_text())


@pytest.fixture
def zoo(small_zoo: Path) -> Zoo:
    return Zoo.of(small_zoo, [row for row in read_index(small_zoo) if not row.reserve])


def _add(folder: Path, groups: range) -> None:
    for group in groups:
        path = shard_path(folder, group)
        path.parent.mkdir(parents=True, exist_ok=True)
        copyfile(shard_path(SHIPPED_MODELS / "zoo-conjunction", group), path)
    merge(folder, [])


def test_every_subject_has_one_probability_of_every_method(trained: Path, zoo: Zoo, card: Card) -> None:
    predictions = read_predictions(trained / "predictions.csv")
    assert set(card.metrics) | set(CONTROLS) | {"scheme_left_out"} == set(predictions)
    for probability in predictions.values():
        assert len(probability) == len(zoo.rows)
        assert ((probability >= 0) & (probability <= 1)).all()


def test_every_rival_has_its_tokens_and_the_sandwichs_lead_in_every_table(card: Card) -> None:
    for figures in (card.metrics, card.reserve, card.unseen):
        for method, one in figures.items():
            assert one["tokens"] >= 0
            assert (one["sandwich_lead"] is None) == (method == "sandwich"), method
    assert card.unseen["sandwich"]["tokens"] == TRAINING.folds * card.metrics["sandwich"]["tokens"]
    assert set(card.schemes) == {"alibi", "learned", "none", "rotary", "sinusoidal"}


def test_severed_responses_tell_subjects_apart_by_nothing(trained: Path, zoo: Zoo) -> None:
    severed = read_predictions(trained / "predictions.csv")[SEVERED]
    for fold in make_folds(zoo.groups, zoo.configurations, TRAINING.folds, TRAINING.seed):
        assert len(np.unique(severed[fold.test])) == 1


def test_shuffled_labels_leave_the_sandwich_at_chance(trained: Path, zoo: Zoo) -> None:
    probability = read_predictions(trained / "predictions.csv")[SHUFFLED]
    labels = zoo.labels[shuffling(len(zoo.rows))]
    low, high = auc_interval(probability, labels, zoo.groups, seed=0)
    assert low is not None
    assert high is not None
    assert low < 0.5 < high


def test_evaluating_again_gives_the_same_card_and_predictions(trained: Path, small_zoo: Path, card: Card) -> None:
    before = (trained / "predictions.csv").read_text()
    assert evaluate_meta_classifier(small_zoo, trained, torch.device("cpu")) == card
    assert (trained / "predictions.csv").read_text() == before


def test_a_sandwich_trained_alone_is_the_one_trained_with_its_rivals(
    trained: Path, small_zoo: Path, tmp_path: Path
) -> None:
    card = train_meta_classifier(
        small_zoo, tmp_path, 2, torch.device("cpu"), config=CONFIG, training=TRAINING, only_sandwich=True
    )
    assert set(card.metrics) == set(read_predictions(tmp_path / "predictions.csv")) == {"sandwich"}
    assert (tmp_path / "sandwich.safetensors").read_bytes() == (trained / "sandwich.safetensors").read_bytes()
    with pytest.raises(NothingToCompare, match="trained alone"):
        evaluate_meta_classifier(small_zoo, tmp_path, torch.device("cpu"))


def test_a_zoo_that_grew_is_judged_apart(trained: Path, small_zoo: Path, card: Card) -> None:
    _add(small_zoo, LATER)
    grown = evaluate_meta_classifier(small_zoo, trained, torch.device("cpu"))
    converged = sum(row.converged and row.group in LATER for row in read_index(small_zoo))
    assert grown.metrics == card.metrics
    assert set(grown.later) == set(grown.reserve) == set(grown.unseen)
    numbers = [figures["sandwich"]["subjects"] for figures in (grown.reserve, grown.later, grown.unseen)]
    assert numbers[0] + numbers[1] == numbers[2]
    assert len(read_predictions(trained / "later.csv")["sandwich"]) == converged


def test_the_report_shows_every_plot_that_it_names(trained: Path) -> None:
    text = (trained / "report.md").read_text()
    plots = [part.split(")")[0] for part in text.split("](")[1:]]
    assert len(plots) == 8
    assert all((trained / plot).stat().st_size > 5000 for plot in plots)


def test_strangers_made_of_the_reserve_are_unlike_it(card: Card) -> None:
    told = card.trust["strangers"]
    assert told["shuffled weights"]["unlike"] > told["the zoo's own reserve"]["unlike"]
    assert told["freshly initialized"]["subjects"] > 0
