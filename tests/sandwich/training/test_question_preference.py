"""Layers learn which questions to prefer, by what these are like."""

import pytest
import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import bare_candidates
from probe_sandwich.sandwich.structure import STRUCTURE
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.sandwich.training.question_preference import (
    QuestionPreference,
    ReadQuestions,
    fit_preference,
    question_features,
)
from probe_sandwich.tasks.logic.tasks import Task

PLACEMENTS = SandwichConfig().placements
TELLING = 3
"""The placement at which those that do not generalize give other answers."""


def pool(train_max_length: int, *, labels: torch.Tensor) -> Pool:
    candidates, subjects = bare_candidates(Task(), train_max_length), len(labels)
    random = torch.Generator().manual_seed(train_max_length)
    errs = torch.rand(subjects, 1 + len(PLACEMENTS), len(candidates.lengths), generator=random) < 0.2
    errs[:, 1 + TELLING] |= (labels == 0).view(-1, 1)
    errs[:, 0] = False
    gap = torch.where(errs, -6.0, 6.0)
    shares = candidates.lengths / train_max_length
    logits = torch.stack([torch.zeros_like(gap), gap], dim=-1).half()
    return Pool(candidates, logits, shares, labels, labels, torch.arange(subjects), torch.arange(subjects))


HALF = (torch.arange(20) % 2).float()
READ = [ReadQuestions.of(some, PLACEMENTS) for some in (pool(10, labels=HALF), pool(16, labels=torch.ones(9)))]


@pytest.fixture(scope="module")
def taught() -> QuestionPreference:
    return fit_preference(READ, len(PLACEMENTS), 0)


def test_a_question_is_known_by_its_candidates_structure_and_length_and_by_its_placement() -> None:
    some = pool(12, labels=HALF)
    features = question_features(some, PLACEMENTS)
    candidates = len(some.candidates.lengths)
    assert features.shape == (candidates * len(PLACEMENTS), len(STRUCTURE) + 1 + len(PLACEMENTS))
    assert torch.equal(features[5, :-5], features[2 * candidates + 5, :-5])
    assert features[2 * candidates + 5, -5:].tolist() == [0, 0, 1, 0, 0]


def test_what_is_taught_on_some_subjects_is_preferred_on_candidates_of_another_length(
    taught: QuestionPreference,
) -> None:
    some = pool(14, labels=HALF)
    with torch.no_grad():
        preferred = taught(question_features(some, PLACEMENTS)).view(len(PLACEMENTS), -1).mean(dim=1)
    assert int(preferred.argmax()) == TELLING


def test_the_same_seed_teaches_the_same(taught: QuestionPreference) -> None:
    again = fit_preference(READ, len(PLACEMENTS), 0)
    assert all(torch.equal(one, other) for one, other in zip(taught.parameters(), again.parameters(), strict=True))
