"""A fresh generator learns to write formulas."""

import numpy as np
import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.generator import Generator
from probe_sandwich.sandwich.training.warm_up import teach_formulas
from probe_sandwich.tasks.logic.solver import MalformedFormula, satisfiable
from probe_sandwich.tasks.logic.vocabulary import decode

CONFIG = SandwichConfig(probe_length=12, probes=8, generator_hidden=64)


def test_warm_up_makes_most_fresh_probes_formulas() -> None:
    torch.manual_seed(0)
    generator = Generator(SandwichConfig(probe_length=12))

    def share_of_formulas() -> float:
        noise = torch.randn(200, CONFIG.noise_dim, generator=torch.Generator().manual_seed(9))
        texts = [decode(row) for row in generator(noise).argmax(dim=-1).tolist()]
        return float(np.mean([_is_formula(text) for text in texts]))

    before = share_of_formulas()
    teach_formulas(generator, 500, torch.Generator().manual_seed(1))
    assert before < 0.1
    assert share_of_formulas() > 0.4


def _is_formula(text: str) -> bool:
    try:
        satisfiable(text)
    except MalformedFormula:
        return False
    return True
