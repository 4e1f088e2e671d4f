"""The foreign test set, judged by the whole ensemble."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from probe_sandwich.evidence.universal.evaluation import Evaluation
from probe_sandwich.evidence.universal.foreign import FOREIGN, Foreign
from probe_sandwich.evidence.universal.methods import AGREEMENT, IN_DISTRIBUTION, SANDWICH, TREES, Rivals
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.zoo.foreign.store import read_rows, weights_path, write_rows

from tests.evidence.conftest import CONFIG, TRAINING


def test_each_is_a_configuration_of_its_own_with_what_was_measured_of_it(
    foreign_folder: Path, foreign: Foreign
) -> None:
    (row,) = read_rows(foreign_folder)
    assert foreign.rows == [row]
    assert foreign.facts.labels.tolist() == [row.label]
    assert foreign.facts.long_accuracy.tolist() == pytest.approx([row.long_accuracy])
    assert (foreign.facts.configurations.tolist(), foreign.facts.tasks.tolist()) == ([0], ["conjunction"])
    assert foreign.labelled.direct_test(256) == pytest.approx([row.long_accuracy], abs=0.15)


def test_it_is_scored_by_what_needs_no_configuration(foreign: Foreign, rivals: Rivals, members: list[Member]) -> None:
    scores = foreign.scores(rivals, members)
    assert {SANDWICH, TREES, AGREEMENT, IN_DISTRIBUTION} < set(scores)
    assert scores[IN_DISTRIBUTION].tolist() == [foreign.rows[0].in_distribution_accuracy]
    assert all(score.shape == (1,) and np.isfinite(score).all() for score in scores.values())


def test_it_is_a_kind_of_its_own_in_the_evidence(foreign: Foreign, evaluation: Evaluation) -> None:
    figures = evaluation.evidence.kinds[FOREIGN]
    assert (figures.subjects, figures.positives) == (1, int(foreign.facts.labels[0]))
    assert FOREIGN not in evaluation.judged  # its subjects stand in no table


def test_whoever_has_not_converged_or_whose_weights_were_left_out_is_not_asked(
    foreign_folder: Path, rivals: Rivals, tmp_path: Path
) -> None:
    def asked() -> Foreign | None:
        return Foreign.of(folder, start_universal(CONFIG, TRAINING).prober, rivals.recordings.drawn.noise)

    folder = copytree(foreign_folder, tmp_path / "foreign")
    (row,) = read_rows(folder)
    write_rows(folder, [row.model_copy(update={"converged": False})])
    assert asked() is None
    write_rows(folder, [row])
    assert asked() is not None
    weights_path(folder, row.number).unlink()
    assert asked() is None
