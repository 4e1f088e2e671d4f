"""A selector learns what to ask from what frozen subjects answer."""

import pytest
import torch
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.inputs import bare_candidates
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.sandwich.training.selector_fit import AgreementReader, fit_selector, selection_loss
from probe_sandwich.tasks.logic.tasks import Task

CONFIG = SandwichConfig(noise_dim=16, temperature=0.1, candidate_features=8)
TRAINING = SandwichTraining(selector_steps=120)
CANDIDATES = bare_candidates(Task(), 12)
TELLING = CANDIDATES.lengths > 10


def telling_pool() -> Pool:
    """Subjects of which those that do not generalize change their answers further out, but to the longer candidates
    only."""
    labels = torch.arange(40) % 2
    further_out = torch.arange(1 + len(CONFIG.placements)) > 0
    changed = (labels == 0).view(-1, 1, 1) & further_out.view(-1, 1) & TELLING
    gap = torch.where(changed, -6.0, 6.0)  # (subjects, placements, candidates)
    facts = (labels.float(), labels.float(), torch.arange(40) // 4, torch.arange(40))
    shares = CANDIDATES.lengths / CANDIDATES.lengths.max()
    return Pool(CANDIDATES, torch.stack([torch.zeros_like(gap), gap], dim=-1).half(), shares, *facts)


def share_of_telling(selector: Selector, seed: int) -> float:
    noise = torch.randn(8, CONFIG.noise_dim, generator=torch.Generator().manual_seed(seed))
    return float(selector.weights(noise, CANDIDATES).detach()[:, TELLING].sum()) / 8


@pytest.fixture(scope="module")
def taught() -> Selector:
    return fit_selector(CONFIG, TRAINING, [telling_pool()], 0)


def test_new_noise_asks_new_questions_of_the_same_quality(taught: Selector) -> None:
    untaught = Selector(CONFIG)
    seeds = range(100, 110)
    assert min(share_of_telling(taught, seed) for seed in seeds) > 0.8
    assert max(share_of_telling(untaught, seed) for seed in seeds) < 0.8
    draws = torch.randn(2, 8, CONFIG.noise_dim, generator=torch.Generator().manual_seed(1))
    first, second = taught.weights(draws, CANDIDATES).argmax(dim=-1).tolist()
    assert set(first) != set(second)


def test_the_gradient_of_the_loss_reaches_every_layer_before_the_subjects() -> None:
    selector, pool = Selector(CONFIG), telling_pool()
    last = selector.layers[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.normal_(last.weight)  # the layers begin at nothing
    weights = selector.weights(torch.randn(1, 8, CONFIG.noise_dim), CANDIDATES)
    selection_loss(AgreementReader(len(CONFIG.placements)), weights, pool.agreement(), pool.labels).backward()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in selector.parameters())
