"""Every vector of noise spells a formula."""

import numpy as np
import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.spelling import formulas_in_noise
from probe_sandwich.tasks.logic.solver import satisfiable
from probe_sandwich.tasks.logic.vocabulary import decode

CONFIG = SandwichConfig(probe_length=12, probes=8, generator_hidden=64)


def test_every_vector_of_noise_spells_a_formula() -> None:
    noise = torch.randn(300, CONFIG.noise_dim, generator=torch.Generator().manual_seed(0))
    texts = [decode(row) for row in formulas_in_noise(noise, CONFIG).tolist()]
    assert {len(text) for text in texts} == {CONFIG.probe_length}
    share = np.mean([satisfiable(text) for text in texts])
    assert 0.2 < share < 0.9
