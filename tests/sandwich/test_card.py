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


def record(subjects: int, accuracy: float | None) -> KindRecord:
    return KindRecord(subjects=subjects, answered=1.0, accuracy=accuracy, auc=None)


def test_verdicts_are_trusted_where_enough_of_enough_subjects_were_right() -> None:
    assert record(50, 0.8).trusted
    assert not any(poor.trusted for poor in (record(49, 1.0), record(1000, 0.79), record(1000, None)))


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


@pytest.mark.parametrize("name", [LanguageName.LAST_OCCURRENCE, LanguageName.MAJORITY, LanguageName.THRESHOLD])
def test_the_shipped_card_trusts_no_verdict_on_a_task_that_it_says_it_gets_wrong(
    card: Card, tiny_config: ConfigFactory, name: LanguageName
) -> None:
    found = card.record_of(tiny_config(task=LanguageTask(name=name)))
    assert found == card.tasks[name.value]
    assert not found.trusted


def test_another_threshold_is_another_fingerprint(card: Card) -> None:
    assert card.fingerprint == card.model_copy().fingerprint
    assert card.fingerprint != card.model_copy(update={"threshold": 0.75}).fingerprint
