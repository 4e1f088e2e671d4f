"""What is compared: the sandwich's readout, trees on the same statistics, and what needs no probe."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.evidence.universal.methods import (
    AGREEMENT,
    AGREEMENT_TREES,
    BARE,
    CONFIGURATION,
    METHODS,
    SANDWICH,
    SEVERED,
    SHUFFLED,
    TREES,
    Rivals,
    agreement,
    configuration_facts,
    direct_test,
    trees,
)
from probe_sandwich.evidence.universal.part import JudgedSplit, by_configuration
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.tasks.logic.tasks import Task, TaskName

from tests.evidence.conftest import CONFIG, TRAINING, RowFactory


@pytest.fixture(scope="module")
def split(rivals: Rivals) -> JudgedSplit:
    return by_configuration(rivals.table, 2, 0)[0]


def test_methods_score_what_they_read(rivals: Rivals, split: JudgedSplit) -> None:
    """Answers tell who generalizes; bare strings, and what configurations have in common, tell nothing."""
    scores = rivals.scores(split, CONFIG, TRAINING, 0)
    assert list(scores) == [method.name for method in METHODS if not method.control]
    areas = {name: auc(score, rivals.table.labels[split.test]) or 0.0 for name, score in scores.items()}
    assert min(areas[name] for name in (SANDWICH, TREES, AGREEMENT_TREES, AGREEMENT, direct_test(64))) > 0.95
    assert max(areas[name] for name in (BARE, CONFIGURATION)) < 0.75


def test_controls_find_little_and_nothing(rivals: Rivals, split: JudgedSplit) -> None:
    scores = rivals.control_scores(split, CONFIG, TRAINING, 0)
    assert len(np.unique(scores[SEVERED].round(6))) == 1
    told = rivals.scores(split, CONFIG, TRAINING, 0)[SANDWICH]
    assert np.abs(scores[SHUFFLED] - 0.5).mean() < 0.25 < np.abs(told - 0.5).mean()


def test_a_readout_of_a_split_does_not_depend_on_labels_that_it_leaves_out(rivals: Rivals, split: JudgedSplit) -> None:
    def without(part: torch.Tensor) -> torch.Tensor:
        changed = part.clone()
        changed[torch.from_numpy(split.test)] = 1 - changed[torch.from_numpy(split.test)]
        return changed

    known = rivals.recordings
    hidden = replace(known, drawn=replace(known.drawn, labels=without(known.drawn.labels)))
    one, other = (
        replace(rivals, recordings=recordings).fit(split.train, CONFIG, TRAINING, 0) for recordings in (known, hidden)
    )
    assert np.array_equal(*(fitted.probability(known.drawn, split.test) for fitted in (one, other)))


def test_agreement_is_the_mean_over_what_is_placed_elsewhere(rivals: Rivals) -> None:
    recording = rivals.recordings.drawn
    own = ANSWER_CHANNELS.index("agreement")
    moved = recording.channels.clone()
    moved[:, :, 0] += 100  # what is answered at the usual places does not count
    moved[:, :, 1:, :, own] = 0.25
    edited = SandwichConfig(placements=CONFIG.placements[:-1], edits=1)
    moved[:, :, edited.variants - 1 :] += 100  # nor does what is answered to an edit
    assert agreement(replace(recording, channels=moved), edited) == pytest.approx(0.25)


def test_subjects_far_from_those_trained_on_are_not_alike(rivals: Rivals, split: JudgedSplit) -> None:
    assert rivals.alike(split.train, rivals.moments[split.test], 0).mean() > 0.9
    assert not rivals.alike(split.train, rivals.moments[split.test] + 20, 0).any()


def test_trees_count_a_subject_by_its_weight() -> None:
    features = np.repeat([[0.0], [0.0]], 20, axis=0)
    labels = np.repeat([True, False], 20)
    share = trees(features, labels, np.where(labels, 3.0, 1.0), 0)(np.zeros((1, 1)))
    assert share == pytest.approx(0.75, abs=0.03)


def test_a_configuration_is_known_by_all_that_is_set_before_training(row_of: RowFactory) -> None:
    same, other = row_of(0, label=False), row_of(1, label=True)
    facts = configuration_facts([same, other, row_of(2, d_model=64), row_of(3, task=Task(name=TaskName.CNF))])
    assert np.array_equal(facts[0], facts[1])  # whatever came of it
    assert len(np.unique(facts, axis=0)) == 3
