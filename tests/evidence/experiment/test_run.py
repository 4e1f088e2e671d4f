"""The whole experiment on a small part of the shipped zoo: what must come out, and what must fail."""

from pathlib import Path

import numpy as np
from probe_sandwich.evidence.experiment.arms import shuffling
from probe_sandwich.evidence.experiment.folds import make_folds
from probe_sandwich.evidence.experiment.methods import CONTROLS, SEVERED, SHUFFLED
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.auc import auc_interval
from probe_sandwich.evidence.figures.evidence import Evidence
from probe_sandwich.evidence.report.predictions import read_predictions

from tests.evidence.conftest import TRAINING


def test_every_subject_has_one_probability_of_every_method(trained: Path, zoo: Zoo, evidence: Evidence) -> None:
    predictions = read_predictions(trained / "predictions.csv")
    assert set(evidence.out_of_fold) | set(CONTROLS) | {"scheme_left_out"} == set(predictions)
    for probability in predictions.values():
        assert len(probability) == len(zoo.rows)
        assert ((probability >= 0) & (probability <= 1)).all()


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
