"""What happens to a sandwich before it sees any subject: its generator is taught to write formulas."""

import torch
import torch.nn.functional as F

from probe_sandwich.sandwich.config import Reading, SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.generator import Generator
from probe_sandwich.sandwich.sandwich import Sandwich
from probe_sandwich.sandwich.spelling import formulas_in_noise
from probe_sandwich.sandwich.universal import AnySandwich, UniversalSandwich

_BATCH, _RATE = 256, 2e-3


def start_sandwich(config: SandwichConfig, training: SandwichTraining) -> Sandwich:
    """A sandwich that has seen no subject yet, its generator warmed up: the same one for the same settings."""
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        sandwich = Sandwich(config)
        teach_formulas(sandwich.generator, training.warm_up_steps, torch.Generator().manual_seed(training.seed))
    return sandwich.eval()


def start_universal(config: SandwichConfig, training: SandwichTraining) -> UniversalSandwich:
    """A universal sandwich that has seen no subject yet: its selector selects at random."""
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        return UniversalSandwich(config).eval()


def start_any(config: SandwichConfig, training: SandwichTraining) -> AnySandwich:
    """The one or the other, as the config reads."""
    universal = config.reading is Reading.ANSWERS
    return start_universal(config, training) if universal else start_sandwich(config, training)


def teach_formulas(generator: Generator, steps: int, random: torch.Generator) -> float:
    """Teach a fresh generator to spell the formula that `formulas_in_noise` finds in a vector.

    Near-uniform mixtures of symbols mean nothing to a subject, so training through subjects must start from
    sequences of the kind that they know. Returns the last batch's share of right symbols.
    """
    optimizer = torch.optim.Adam(generator.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    share = 0.0
    for _ in range(steps):
        noise = torch.randn(_BATCH, generator.config.noise_dim, generator=random)  # (batch, noise_dim)
        target = formulas_in_noise(noise, generator.config)  # (batch, length)
        scores = generator.scores(noise)  # (batch, length, symbols)
        loss = F.cross_entropy(scores.flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        share = float((scores.argmax(dim=-1) == target).float().mean())
    return share
