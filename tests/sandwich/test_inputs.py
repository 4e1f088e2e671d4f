"""Candidates for probes: none longer than T, none with a label, of any alphabet."""

import pytest
import torch
from probe_sandwich.answer import ProbeContent
from probe_sandwich.sandwich.inputs import (
    CANDIDATES,
    FEATURES,
    bare_candidates,
    best_candidates,
    candidates_of,
    drawn_candidates,
    given_candidates,
)
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.task import AnyTask, OwnTask

OWN = OwnTask(name="mine", alphabet=("x1", "x2", "&"))
GIVEN = [("x1",), ("x1", "&", "x2"), ("x2", "x2"), ("&",)]
"""None of more than half of six symbols, one of more than half of four."""


@pytest.mark.parametrize("task", [Task(), LanguageTask(name=LanguageName.DYCK1)], ids=lambda task: task.name)
@pytest.mark.parametrize("train_max_length", [10, 24])
def test_drawn_candidates_are_inputs_of_the_task_up_to_t(task: AnyTask, train_max_length: int) -> None:
    candidates = drawn_candidates(task, train_max_length)
    assert candidates.content is ProbeContent.DRAWN
    assert train_max_length // 2 < candidates.lengths.min() <= candidates.lengths.max() <= train_max_length
    filled = candidates.symbols.sum(dim=-1)
    assert torch.equal(filled.sum(dim=-1).long(), candidates.lengths)
    assert set(filled.unique().tolist()) <= {0.0, 1.0}
    assert candidates.features.shape == (len(candidates.lengths), len(FEATURES))


def test_bare_candidates_need_nothing_but_an_alphabet() -> None:
    candidates = bare_candidates(OWN, 8)
    assert candidates.symbols.shape == (CANDIDATES, 8, 3)
    assert 4 < candidates.lengths.min() <= candidates.lengths.max() == 8


def test_given_candidates_are_the_given_inputs() -> None:
    candidates = given_candidates(OWN, 6, GIVEN)
    spelled = {
        tuple(OWN.alphabet[index] for index in row[:length])
        for row, length in zip(candidates.symbols.argmax(dim=-1).tolist(), candidates.lengths.tolist(), strict=True)
    }
    assert spelled == set(GIVEN)


def test_given_inputs_of_no_more_than_half_of_t_are_no_probes_beside_longer_ones() -> None:
    candidates = given_candidates(OWN, 4, [*GIVEN, GIVEN[1]])
    assert candidates.lengths.tolist() == [3]


def test_the_best_that_there_is() -> None:
    assert best_candidates(OWN, 8).content is ProbeContent.BARE
    assert best_candidates(Task(), 12).content is ProbeContent.DRAWN
    assert best_candidates(Task(), 4).content is ProbeContent.BARE, "no balanced formula is so short"


def test_features_do_not_depend_on_which_symbol_is_which() -> None:
    renamed = [tuple({"x1": "&", "x2": "x1", "&": "x2"}[symbol] for symbol in one) for one in GIVEN]
    torch.testing.assert_close(given_candidates(OWN, 6, renamed).features, given_candidates(OWN, 6, GIVEN).features)


def test_candidates_are_kept_of_built_in_tasks_alone_as_there_are_any_number_of_others() -> None:
    assert candidates_of(Task(), 12) is candidates_of(Task(), 12)
    one, other = candidates_of(OWN, 12), candidates_of(OWN, 12)
    assert one is not other
    assert torch.equal(one.symbols, other.symbols)
