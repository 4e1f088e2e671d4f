"""Recording the answers of all subjects, and fitting the members of the ensemble on them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.evidence.universal.ensemble import ask_all, ensemble_probability, train_ensemble
from probe_sandwich.evidence.universal.methods import Rivals
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.training.recorded import fitting_noise, record_answers
from probe_sandwich.sandwich.training.start import start_universal

from tests.evidence.conftest import CONFIG, CPU, TRAINING, here


@pytest.fixture(scope="module")
def some(small_zoo: Path) -> Table:
    """Every eighth subject of a zoo."""
    return Table.of([small_zoo], {row.subject for row in Table.of([small_zoo]).rows[::8]})


def test_each_is_asked_what_it_would_be_asked_alone_in_the_order_of_the_table(some: Table) -> None:
    told: list[int] = []
    asked = ask_all(some, CPU, CONFIG, TRAINING, progress=told.append)
    assert told[-1] == len(some)
    noise, prober = fitting_noise(CONFIG, TRAINING), start_universal(CONFIG, TRAINING).prober
    assert asked.recordings.drawn.labels.tolist() == some.labels.tolist()
    assert asked.recordings.drawn.numbers.tolist() == list(range(len(some)))
    for number in (0, len(some) - 1):
        alone = record_answers(prober, some.cohorts(np.array([number]), CPU), noise).channels[0]
        torch.testing.assert_close(asked.recordings.drawn.channels[number], alone, atol=1e-3, rtol=1e-3)
    assert not torch.equal(asked.recordings.bare.channels, asked.recordings.drawn.channels)
    assert asked.labelled.direct_test(256) == pytest.approx(some.long_accuracy, abs=0.15)


def test_there_is_a_member_a_fold_and_the_same_again(rivals: Rivals, members: list[Member]) -> None:
    assert len(members) == TRAINING.folds
    again = train_ensemble(here(rivals), rivals.table, CONFIG, TRAINING)
    for one, two in zip(members, again, strict=True):
        assert one.calibration == two.calibration
        for tensor, same in zip(one.readout.parameters(), two.readout.parameters(), strict=True):
            assert torch.equal(tensor, same)
    assert members[0].calibration != members[1].calibration


def test_the_ensemble_orders_subjects_that_no_member_saw(rivals: Rivals, members: list[Member]) -> None:
    reserve = np.flatnonzero(rivals.table.reserve)
    probability = ensemble_probability(members, rivals.recordings.drawn, reserve)
    assert (auc(probability, rivals.table.labels[reserve]) or 0) > 0.95
    by_member = [ensemble_probability([member], rivals.recordings.drawn, reserve) for member in members]
    assert probability == pytest.approx(np.mean(by_member, axis=0))


def test_subjects_that_a_member_saw_lie_within_its_support_and_others_far_outside(
    rivals: Rivals, members: list[Member]
) -> None:
    channels = rivals.recordings.drawn.channels
    for member in members:
        with torch.inference_mode():
            own, strange = (member.readout(part).moments.mean(dim=1) for part in (channels, 4 + channels))
        inside = member.support.distance(own) <= member.support.limit
        assert inside.float().mean() > 0.9
        assert not (member.support.distance(strange) <= member.support.limit).any()
