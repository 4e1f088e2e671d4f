"""The foreign test set, judged by the whole ensemble."""

from pathlib import Path

import numpy as np
import pytest
from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, evaluate_universal
from probe_sandwich.evidence.universal.foreign import FOREIGN, Foreign
from probe_sandwich.evidence.universal.methods import AGREEMENT, IN_DISTRIBUTION, SANDWICH, TREES, Rivals
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.zoo.foreign.store import read_rows, weights_path, write_rows

from tests.evidence.conftest import CONFIG, TRAINING, here


def asked(folder: Path, rivals: Rivals) -> Foreign | None:
    return Foreign.of(folder, start_universal(CONFIG, TRAINING), rivals.recordings.judging.noise)


def test_each_is_a_configuration_of_its_own_with_what_was_measured_of_it(foreign_folder: Path, rivals: Rivals) -> None:
    foreign, (row,) = asked(foreign_folder, rivals), read_rows(foreign_folder)
    assert foreign is not None
    assert foreign.rows == [row]
    assert foreign.facts.labels.tolist() == [row.label]
    assert foreign.facts.long_accuracy.tolist() == pytest.approx([row.long_accuracy])
    assert (foreign.facts.configurations.tolist(), foreign.facts.tasks.tolist()) == ([0], ["conjunction"])
    assert foreign.labelled.direct_test(256) == pytest.approx([row.long_accuracy], abs=0.15)


def test_it_is_scored_by_what_needs_no_configuration(
    foreign_folder: Path, rivals: Rivals, members: list[Member]
) -> None:
    foreign = asked(foreign_folder, rivals)
    assert foreign is not None
    scores = foreign.scores(rivals, members)
    assert {SANDWICH, TREES, AGREEMENT, IN_DISTRIBUTION} < set(scores)
    assert scores[IN_DISTRIBUTION].tolist() == [foreign.rows[0].in_distribution_accuracy]
    assert all(score.shape == (1,) and np.isfinite(score).all() for score in scores.values())
    evaluation = evaluate_universal(here(rivals), rivals, members, foreign, CONFIG, TRAINING)
    figures = evaluation.evidence.kinds[FOREIGN]
    assert (figures.subjects, figures.positives) == (1, int(foreign.facts.labels[0]))
    assert {UNSEEN, TASK} < set(evaluation.evidence.kinds)


def test_whoever_has_not_converged_or_whose_weights_were_left_out_is_not_asked(
    foreign_folder: Path, rivals: Rivals
) -> None:
    (row,) = read_rows(foreign_folder)
    write_rows(foreign_folder, [row.model_copy(update={"converged": False})])
    assert asked(foreign_folder, rivals) is None
    write_rows(foreign_folder, [row])
    weights_path(foreign_folder, row.number).unlink()
    assert asked(foreign_folder, rivals) is None
