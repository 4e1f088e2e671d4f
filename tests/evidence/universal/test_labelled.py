"""What rivals see: labels and long inputs."""

import numpy as np
import pytest
import torch
from probe_sandwich.evidence.universal.labelled import BUDGETS, Labelled, long_answers, placed_accuracy
from probe_sandwich.evidence.universal.settings import UNIVERSAL
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.subjects.transformer import SubjectStack

from tests.conftest import StackFactory


@pytest.fixture
def subjects(tiny_stack: StackFactory) -> SubjectStack:
    return tiny_stack({})


def test_a_direct_test_counts_the_first_inputs_that_are_there() -> None:
    labelled = Labelled(np.zeros(1), np.array([[1, 0, 1, -1]]), np.array([[1, 1, 1, -1]]))
    assert labelled.direct_test(1) == [1.0]
    assert labelled.direct_test(4) == pytest.approx([2 / 3])


def test_an_input_beyond_the_positions_is_answered_wrongly() -> None:
    assert Labelled(np.zeros(1), np.array([[1, -1]]), np.array([[1, 0]])).direct_test(2) == [0.5]


def test_subjects_are_asked_labelled_inputs_at_their_places_and_long_ones(subjects: SubjectStack) -> None:
    answers, truth = long_answers(subjects)
    assert answers.shape == truth.shape == (1, max(BUDGETS))
    assert set(np.unique(answers)) <= {0, 1}
    assert truth.mean() == pytest.approx(0.5)
    torch.manual_seed(0)
    share = placed_accuracy(Prober(UNIVERSAL), subjects)
    assert 0 <= share[0] <= 1
