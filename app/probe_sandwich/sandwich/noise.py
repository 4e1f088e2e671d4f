"""Gaussian noise, which a sandwich makes its probes of."""

import torch
from torch import Tensor

from probe_sandwich.sandwich.config import SandwichConfig


def draw_noise(config: SandwichConfig, draws: int, random: torch.Generator) -> Tensor:
    """Noise `(draws, probes, noise_dim)`, standard normal."""
    return torch.randn(draws, config.probes, config.noise_dim, generator=random)
