"""Probes are distributions over symbols."""

import pytest
import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.generator import Generator
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS

CONFIG = SandwichConfig(probe_length=12, probes=8, generator_hidden=64)


@pytest.mark.parametrize("hard", [True, False])
def test_probes_are_distributions_over_symbols(hard: bool) -> None:
    generator = Generator(CONFIG.model_copy(update={"hard_symbols": hard}))
    probes = generator(torch.randn(5, CONFIG.noise_dim))
    assert probes.shape == (5, CONFIG.probe_length, len(FORMULA_SYMBOLS))
    torch.testing.assert_close(probes.sum(dim=-1), torch.ones(5, CONFIG.probe_length))
    assert bool((probes.max(dim=-1).values > 0.999).all()) == hard
