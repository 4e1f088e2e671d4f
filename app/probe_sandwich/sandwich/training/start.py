"""A sandwich before it sees any subject."""

import torch

from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.universal import UniversalSandwich


def start_universal(config: SandwichConfig, training: SandwichTraining) -> UniversalSandwich:
    """A sandwich that has seen no subject yet, the same one for the same settings: its selector selects at random."""
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        return UniversalSandwich(config).eval()
