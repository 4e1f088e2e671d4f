"""What searched questions are worth, beside random ones and a direct test, at so many tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch
from probe_sandwich.evidence.universal import methods
from probe_sandwich.evidence.universal import searching as module
from probe_sandwich.evidence.universal.part import in_folds
from probe_sandwich.evidence.universal.searching import Searching, measure_searching
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import bare_candidates
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.zoo.shards import IndexRow, read_index

CONFIG = SandwichConfig()
SUBJECTS, BUDGETS = 80, (60, 200)


def pool(seed: int, labels: torch.Tensor) -> Pool:
    """Subjects that all err at random further out, and those that do not generalize most at three candidates in ten
    that are parted to 2T."""
    candidates, random = bare_candidates(Task(), 12), torch.Generator().manual_seed(seed)
    places, count = 1 + len(CONFIG.placements), len(candidates.lengths)
    kinds = (torch.arange(SUBJECTS) % 2).float()
    errs = torch.rand(SUBJECTS, places, count, generator=random) < 0.3
    telling = (kinds == 0).view(-1, 1, 1) & (torch.arange(places) == 4).view(1, -1, 1) & (torch.arange(count) % 10 < 3)
    errs |= telling & (torch.rand(errs.shape, generator=random) < 0.6)
    errs[:, 0] = False
    gap = torch.where(errs, -6.0, 6.0)
    facts = (labels, labels, torch.arange(SUBJECTS) // 2, torch.arange(SUBJECTS))
    return Pool(candidates, torch.stack([torch.zeros_like(gap), gap], dim=-1).half(), candidates.lengths / 12, *facts)


def measured(labels: torch.Tensor, row: IndexRow, later: Pool | None) -> Searching:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"BUDGETS": BUDGETS, "DRAWS": 3}.items():
            patch.setattr(module, name, value)
        patch.setattr(methods, "_TREES", 20)
        folds = in_folds(np.arange(SUBJECTS) // 2, np.ones(SUBJECTS, np.bool_), 2, 0)
        return measure_searching(pool(0, labels), [row] * SUBJECTS, later, CONFIG, folds)


KINDS = (torch.arange(SUBJECTS) % 2).float()


@pytest.fixture(scope="module")
def row(small_zoo: Path) -> IndexRow:
    return read_index(small_zoo)[0]


@pytest.fixture(scope="module")
def searching(row: IndexRow) -> Searching:
    return measured(KINDS, row, pool(1, KINDS))


def test_searched_questions_are_ahead_where_some_tell_more(searching: Searching) -> None:
    for random, searched in zip(searching.random, searching.searched, strict=True):
        assert searched.auc > random.auc
        assert searched.least <= searched.auc
        lead = searching.leads[searched.budget]
        assert lead is not None
        assert 0 < lead.low <= lead.auc <= lead.high
    assert max(searching.placements, key=searching.placements.__getitem__) == "parted to 2T"
    assert sum(searching.placements.values()) == pytest.approx(1)
    assert all(probe.generalizers > probe.others and 0 < probe.share <= 1 for probe in searching.shown)


def test_no_arm_reads_more_than_its_budget_and_the_direct_test_as_much(searching: Searching) -> None:
    for budget, random, searched, direct in zip(
        BUDGETS, searching.random, searching.searched, searching.direct, strict=True
    ):
        assert budget / 2 < random.tokens <= budget == random.budget
        assert budget / 2 < searched.tokens <= budget == searched.budget
        assert direct.tokens == pytest.approx(searched.tokens, rel=0.3)
        assert searching.direct_leads[budget] is not None


def test_so_they_are_on_subjects_that_join_later(searching: Searching) -> None:
    assert searching.reserve == SUBJECTS
    for point in searching.later:
        assert point.searched > point.random
        assert point.lead is not None


def test_asking_on_reads_more_the_surer_it_has_to_be(searching: Searching) -> None:
    tokens = [one.tokens for one in searching.asking_on]
    assert tokens == sorted(tokens)
    assert searching.searched[0].tokens <= tokens[0]
    assert tokens[-1] <= searching.searched[-1].tokens
    assert all(0 < one.accuracy <= 1 and 0 < one.auc <= 1 for one in searching.asking_on)


def test_a_search_for_labels_that_mean_nothing_finds_nothing(row: IndexRow) -> None:
    shuffled = KINDS[torch.randperm(SUBJECTS, generator=torch.Generator().manual_seed(2))]
    found = measured(shuffled, row, None)
    assert all(point.auc < 0.65 for point in found.searched)
    assert (found.reserve, found.later) == (0, [])
