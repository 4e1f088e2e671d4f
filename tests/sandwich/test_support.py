"""The part of model space that a zoo covers."""

import numpy as np
import torch
from probe_sandwich.sandwich.support import fit_support


def test_support_tells_a_stranger_from_the_zoo() -> None:
    rng = np.random.default_rng(0)
    support = fit_support(rng.normal(size=(200, 6)), rng.normal(size=(200, 6)))
    familiar, stranger = torch.zeros(6), torch.full((6,), 8.0)
    assert support.distance(familiar) < support.limit < support.distance(stranger)
