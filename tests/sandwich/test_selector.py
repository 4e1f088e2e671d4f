"""Noise selects among candidates."""

import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import bare_candidates
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.tasks.logic.tasks import Task

CONFIG = SandwichConfig(noise_dim=16, temperature=0.1, candidate_features=8)
CANDIDATES = bare_candidates(Task(), 12)


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, CONFIG.noise_dim, generator=torch.Generator().manual_seed(seed))


def test_every_choice_is_one_candidate_whole() -> None:
    symbols, which = Selector(CONFIG)(noise(50), CANDIDATES)
    torch.testing.assert_close(symbols, CANDIDATES.symbols[which], atol=1e-5, rtol=0)


def test_an_untrained_selector_selects_at_random() -> None:
    weights = Selector(CONFIG).weights(noise(4000).unsqueeze(1), CANDIDATES)
    chosen = weights.detach().sum(dim=(0, 1))
    assert int((chosen > 0).sum()) > 0.8 * len(chosen)
    assert int(chosen.max()) < 100


def test_the_gradient_reaches_the_layers_through_the_choice() -> None:
    selector = Selector(CONFIG)
    symbols, _ = selector(noise(20), CANDIDATES)
    (symbols * torch.randn(symbols.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    gradient = selector.layers[-1].weight.grad
    assert gradient is not None
    assert float(gradient.abs().sum()) > 0


def test_no_probe_of_a_set_stands_twice_in_it_while_others_are_left() -> None:
    weights = Selector(CONFIG).weights(noise(len(CANDIDATES.lengths) + 3), CANDIDATES).detach()
    counts = weights[: len(CANDIDATES.lengths)].sum(dim=0)
    torch.testing.assert_close(counts, torch.ones_like(counts))


def test_each_draw_is_a_set_of_its_own() -> None:
    selector = Selector(CONFIG)
    draws = torch.stack([noise(8, 0), noise(8, 1)])
    together = selector.choose(draws, CANDIDATES)
    assert torch.equal(together, torch.stack([selector.choose(draw, CANDIDATES) for draw in draws]))
