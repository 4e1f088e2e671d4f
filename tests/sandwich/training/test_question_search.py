"""Questions are searched for one at a time, for what each tells beside the others."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import bare_candidates
from probe_sandwich.sandwich.placements import Kind, Placement
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.sandwich.training.question_search import AskedQuestions, search_questions
from probe_sandwich.tasks.logic.tasks import Task

SUBJECTS, CANDIDATES = 40, 6
PLACEMENTS = SandwichConfig().placements
TOKENS = np.array([8, 9, 10, 11, 12, 13])
LABELS = np.arange(SUBJECTS) % 2 == 1
BUDGETS = st.integers(0, 400)
QUESTIONS = st.lists(st.integers(0, 2 * CANDIDATES - 1), unique=True, max_size=2 * CANDIDATES)


def asked(support: np.ndarray) -> AskedQuestions:
    """Two placements of six candidates."""
    return AskedQuestions(support, np.ones((len(support), CANDIDATES)), TOKENS, np.ones(2 * CANDIDATES, np.bool_))


def telling(*told: tuple[int, float]) -> AskedQuestions:
    """Subjects that keep all answers, but for the questions told: to these, so large a share of those that do not
    generalize gives another, from the first subject on where the share is positive, from the last where negative."""
    support = np.ones((SUBJECTS, 2 * CANDIDATES))
    others = np.flatnonzero(~LABELS)
    for question, share in told:
        count = round(abs(share) * len(others))
        support[others[:count] if share > 0 else others[-count:], question] = -1
    return asked(support)


def test_a_candidate_is_asked_at_its_usual_places_once_and_once_more_in_every_question() -> None:
    questions = asked(np.ones((1, 12)))
    assert questions.parts(7) == (1, 1)
    assert questions.cost([1]) == 9 + 9
    assert questions.cost([1, 7]) == 9 + 9 + 9
    assert questions.cost([1, 7, 2]) == 3 * 9 + 2 * 10
    assert questions.cost([]) == 0


@given(QUESTIONS, BUDGETS)
def test_of_a_set_as_many_are_taken_as_the_budget_has_room_for(questions: list[int], budget: int) -> None:
    questions_asked = asked(np.ones((1, 12)))
    some = questions_asked.within(questions, budget)
    assert some == questions[: len(some)]
    assert questions_asked.cost(some) <= budget
    assert len(some) == len(questions) or questions_asked.cost(questions[: len(some) + 1]) > budget


def test_the_question_that_tells_most_comes_first_and_then_what_it_leaves_open() -> None:
    # Questions 1 and 7 tell of the same subjects, of which 1 finds more; 4 tells of the rest.
    found = search_questions(telling((1, 0.6), (7, 0.5), (4, -0.4)), LABELS, range(12), 60)
    assert found[:2] == [1, 4]


def test_only_what_is_proposed_is_asked_and_no_more_than_the_budget() -> None:
    questions = telling((1, 0.6), (4, 0.4))
    found = search_questions(questions, LABELS, [0, 2, 4, 10], 70)
    assert found[0] == 4
    assert set(found) <= {0, 2, 4, 10}
    assert len(set(found)) == len(found)
    assert questions.cost(found) <= 70
    assert search_questions(questions, LABELS, range(12), 10) == []


def test_a_question_by_which_generalizers_change_more_is_not_taken_for_a_telling_one() -> None:
    support = telling((4, 0.3)).support
    support[LABELS, 1] = -1
    assert search_questions(asked(support), LABELS, range(12), 40)[0] == 4
    assert search_questions(asked(support), LABELS, [1], 40) == []


@pytest.fixture
def pool() -> Pool:
    """Random answers of five subjects, in three classes."""
    candidates = bare_candidates(Task(), 12)
    logits = torch.randn(5, 1 + len(PLACEMENTS), 256, 3, generator=torch.Generator().manual_seed(0))
    facts = (torch.ones(5), torch.ones(5), torch.arange(5), torch.arange(5))
    return Pool(candidates, logits, candidates.lengths / 12, *facts)


def test_how_firmly_answers_are_kept_knows_neither_scale_nor_which_class_is_which(pool: Pool) -> None:
    questions = [3, 300, 700]
    kept = AskedQuestions.of(pool, PLACEMENTS).kept(questions)
    other = Pool(pool.candidates, 7 * pool.logits[..., [2, 0, 1]] - 3, pool.shares, *[torch.ones(5)] * 4)
    assert AskedQuestions.of(other, PLACEMENTS).kept(questions) == pytest.approx(kept, abs=1e-5)
    assert np.abs(kept).max() <= 1


def test_nothing_is_read_but_answers_to_the_candidates_that_are_asked(pool: Pool) -> None:
    questions, logits = [3, 256 + 3, 2 * 256 + 9], pool.logits.clone()
    logits[:, :, torch.arange(256) % 6 != 3] += torch.randn(3)
    other = Pool(pool.candidates, logits, pool.shares, *[torch.ones(5)] * 4)
    kept = AskedQuestions.of(pool, PLACEMENTS).kept(questions)
    assert AskedQuestions.of(other, PLACEMENTS).candidates(questions) == [3, 9]
    assert AskedQuestions.of(other, PLACEMENTS).kept(questions) == pytest.approx(kept, abs=1e-5)


def test_a_candidate_as_long_as_a_placement_reaches_does_not_move(pool: Pool) -> None:
    within = Placement(kind=Kind.SHIFTED, reach=1)
    moves = AskedQuestions.of(pool, (within, PLACEMENTS[0])).moves.reshape(2, -1)
    assert moves[0].tolist() == (pool.candidates.lengths < 12).tolist()
    assert moves[1].all()


def test_a_subject_that_answers_the_same_by_the_same_margin_of_nothing_has_numbers_all_the_same(pool: Pool) -> None:
    silent = Pool(pool.candidates, torch.zeros_like(pool.logits), pool.shares, *[torch.ones(5)] * 4)
    questions = AskedQuestions.of(silent, PLACEMENTS)
    assert np.isfinite(questions.kept([3, 300])).all()
    assert np.isfinite(questions.margins([3, 300])).all()
