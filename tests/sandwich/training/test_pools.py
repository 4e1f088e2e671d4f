"""What frozen subjects answer to every candidate, and what is read from it."""

import pytest
import torch
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import bare_candidates
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.sandwich.training.pools import Pool, among, record_pools
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.zoo.cohorts import Cohort

from tests.conftest import StackFactory, frozen_hash

CONFIG = SandwichConfig(noise_dim=16, temperature=0.1, candidate_features=8)
CANDIDATES = bare_candidates(Task(), 12)


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Four subjects with random answers, each of the usual margin."""
    random = torch.Generator().manual_seed(0)
    answers = torch.randint(2, (4, 1 + len(CONFIG.placements), len(CANDIDATES.lengths)), generator=random)
    logits = 6.0 * torch.nn.functional.one_hot(answers)
    labels = torch.tensor([0.0, 1.0, 0.0, 1.0])
    return Pool(
        CANDIDATES,
        logits.half(),
        CANDIDATES.lengths / 12,
        labels,
        labels,
        torch.tensor([0, 0, 1, 1]),
        torch.tensor([3, 5, 7, 9]),
    )


def test_a_pool_says_what_the_subjects_say_and_leaves_them_as_they_were(tiny_stack: StackFactory) -> None:
    stack = tiny_stack({}, {})
    before = frozen_hash(stack)
    torch.manual_seed(0)
    prober = Prober(CONFIG).eval()
    facts = (torch.tensor([0.0, 1.0]), torch.tensor([0.6, 1.0]), torch.tensor([0, 1]), torch.tensor([0, 1]))
    (pool,) = record_pools(prober, [Cohort(stack, *facts)])
    noise = torch.randn(2, 8, CONFIG.noise_dim, generator=torch.Generator().manual_seed(0))
    recorded = pool.answers(prober.selector, noise).channels
    asked = prober.ask(stack, noise).channels()
    assert recorded.shape == asked.shape
    torch.testing.assert_close(recorded, asked, atol=0.03, rtol=0.03)
    assert frozen_hash(stack) == before


def test_agreement_is_that_of_the_answers_to_the_candidates_selected(pool: Pool) -> None:
    selector = Selector(CONFIG)
    noise = torch.randn(1, 6, CONFIG.noise_dim, generator=torch.Generator().manual_seed(1))
    chosen = selector.choose(noise, CANDIDATES)[0]
    answers = pool.answers(selector, noise).channels[:, 0, 1:, :, ANSWER_CHANNELS.index("agreement")]
    torch.testing.assert_close(pool.agreement()[:, :, chosen], answers)


def test_subjects_are_found_by_their_numbers_and_a_pool_without_any_is_left_out(pool: Pool) -> None:
    other = pool.select(torch.tensor([0]))
    (found,) = among([pool, other], torch.tensor([9, 5, 100]))
    assert found.numbers.tolist() == [5, 9]
    assert torch.equal(found.logits, pool.logits[[1, 3]])
    assert found.groups.tolist() == [0, 1]
