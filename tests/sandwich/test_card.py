"""What a card says of its meta-classifier."""

import pytest
from probe_sandwich.sandwich.card import Card, KindRecord
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask

from tests.conftest import ConfigFactory


@pytest.fixture(scope="module")
def card() -> Card:
    """The shipped one for every task."""
    return Card.model_validate_json((SHIPPED_MODELS / "universal" / "card.json").read_text())


def record(subjects: int, accuracy: float | None, fewer: int = 10, sure: float = 0.0) -> KindRecord:
    """Of a task that is answered only where it is `sure`, if that is given: half of its subjects."""
    answered = 0.5 if sure else 1.0
    return KindRecord(
        subjects=subjects, fewer=fewer, answered=answered, accuracy=accuracy, auc=None, least_confidence=sure
    )


def test_verdicts_are_trusted_where_enough_of_enough_subjects_were_right() -> None:
    assert record(50, 0.8).trusted
    assert not any(poor.trusted for poor in (record(49, 1.0), record(1000, 0.79), record(1000, None)))


def test_a_task_that_was_judged_on_nearly_one_label_alone_is_not_trusted_for_that() -> None:
    assert record(50, 1.0, fewer=10).trusted
    assert not record(50, 1.0, fewer=9).trusted
    assert not record(50, 1.0, fewer=9).counts


def test_verdicts_that_are_right_no_oftener_than_a_constant_are_not_trusted() -> None:
    """Of 139 subjects 120 do not generalize: whoever always says so is right on 0.863."""
    assert not record(139, 0.856, fewer=19).trusted
    assert record(139, 0.856, fewer=19).counts
    assert record(139, 0.87, fewer=19).trusted


def test_sure_verdicts_on_a_task_that_is_judged_poorly_are_given_where_enough_of_ten_were_right() -> None:
    assert record(20, 0.8, sure=0.2).trusted
    assert not record(20, 0.8, fewer=9, sure=0.2).trusted
    assert record(20, 0.79, sure=0.2).counts
    assert not any(poor.trusted for poor in (record(18, 0.9, sure=0.2), record(20, 0.79, sure=0.2)))


def test_a_task_with_too_few_subjects_is_judged_as_one_that_was_left_out(
    card: Card, tiny_config: ConfigFactory
) -> None:
    parity = tiny_config(task=LanguageTask(name=LanguageName.PARITY))
    known = card.model_copy(update={"tasks": {"parity": record(50, 0.9)}, "other_tasks": record(900, 0.6)})
    assert known.record_of(parity) == record(50, 0.9)
    few = known.model_copy(update={"tasks": {"parity": record(49, 0.9)}})
    assert few.record_of(parity) == few.record_of(tiny_config()) == record(900, 0.6)


def test_a_task_on_which_few_of_ten_or_more_verdicts_were_right_is_judged_by_its_own_record(
    card: Card, tiny_config: ConfigFactory
) -> None:
    parity = tiny_config(task=LanguageTask(name=LanguageName.PARITY))
    for own, counts in ((record(10, 0.79), True), (record(9, 0.1), False), (record(10, 0.8), False)):
        known = card.model_copy(update={"tasks": {"parity": own}, "other_tasks": record(900, 0.9)})
        assert known.record_of(parity) == (own if counts else record(900, 0.9))


def test_the_shipped_card_gives_verdicts_on_its_tasks_where_so_many_were_right(
    card: Card, tiny_config: ConfigFactory
) -> None:
    for name in LanguageName:
        found = card.record_of(tiny_config(task=LanguageTask(name=name)))
        assert found is not None
        assert found.least_confidence > 0 or found.fewer >= 10
        assert found.trusted == (found.accuracy is not None and found.accuracy >= 0.8)


def test_another_threshold_is_another_fingerprint(card: Card) -> None:
    assert card.fingerprint == card.model_copy().fingerprint
    assert card.fingerprint != card.model_copy(update={"threshold": 0.75}).fingerprint
