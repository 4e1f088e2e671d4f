"""What a card keeps of each kind of subject."""

import numpy as np
import pytest
from probe_sandwich.evidence.universal.figures import AnsweredShare, Facts, KindFigures, measure_kind
from probe_sandwich.evidence.universal.methods import SANDWICH
from probe_sandwich.evidence.universal.records import KindRecords
from probe_sandwich.sandwich.card import record_for

SURE = {
    "well judged": AnsweredShare(share=0.9, accuracy=1.0, accuracy_of_all=0.9),
    "poorly judged": AnsweredShare(share=0.5, accuracy=0.9, accuracy_of_all=0.5),
}
LEAST = 0.2


@pytest.fixture(scope="module")
def unseen() -> KindFigures:
    """Sixty subjects of a task of which nine in ten are judged rightly, and forty of which half are; a quarter of each
    generalize."""
    tasks = np.repeat(["well judged", "poorly judged"], [60, 40])
    number = np.arange(100)
    labels = number % 4 == 0
    right = np.where(tasks == "well judged", number % 10 > 0, number % 2 == 0)
    scores = {SANDWICH: np.where(labels == right, 0.9, 0.1)}
    facts = Facts(labels, labels.astype(float), number, tasks)
    return measure_kind(scores, np.ones(100, np.bool_), frozenset({SANDWICH}), SANDWICH, facts)


def test_a_task_that_is_judged_well_keeps_all_its_verdicts_and_another_the_sure_ones(unseen: KindFigures) -> None:
    tasks = KindRecords.of(unseen, SURE, None, LEAST).tasks
    well, poorly = tasks["well judged"], tasks["poorly judged"]
    assert (well.subjects, well.fewer, well.answered, well.accuracy) == (60, 15, 1.0, 0.9)
    assert well.least_confidence == 0
    assert (poorly.subjects, poorly.fewer, poorly.answered, poorly.accuracy) == (40, 10, 0.5, 0.9)
    assert poorly.least_confidence == LEAST
    assert well.trusted
    assert poorly.trusted


def test_where_no_task_was_left_out_poor_verdicts_stay_what_they_are(unseen: KindFigures) -> None:
    records = KindRecords.of(unseen, SURE, None, None)
    assert records.other_tasks is None
    assert records.tasks["poorly judged"].accuracy == 0.5
    assert not records.tasks["poorly judged"].trusted


def test_a_task_that_no_zoo_holds_is_judged_as_those_that_were_left_out(unseen: KindFigures) -> None:
    records = KindRecords.of(unseen, SURE, unseen, LEAST)
    found = record_for("another", records.tasks, records.other_tasks)
    assert found is not None
    assert (found.subjects, found.fewer, found.least_confidence) == (100, 25, LEAST)
