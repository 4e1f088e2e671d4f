"""The composition: generator, frozen subjects, readout."""

import hashlib

import torch
from torch import Tensor, nn

from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.generator import Generator
from probe_sandwich.sandwich.placements import places
from probe_sandwich.sandwich.readout import Readout, ReadoutOutput, response_channels
from probe_sandwich.sandwich.spelling import noise_needed
from probe_sandwich.subjects.batching import Cancelling, never, row_batches
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.subjects.transformer import SubjectStack


class NoiseTooNarrow(ValueError):
    """`noise_dim` cannot hold what the generator's warm-up reads from it."""


class Sandwich(nn.Module):
    """Noise -> hidden layers -> frozen Transformers -> hidden layers -> logits.

    The module owns the parameters of generator and readout and nothing else: a subject comes in as an argument
    and is no part of it, so no optimizer of the sandwich can reach it.
    """

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        needed = noise_needed(config)
        if config.noise_dim < needed:
            raise NoiseTooNarrow(f"noise_dim is {config.noise_dim} but the warm-up reads {needed}; raise it")
        self.config = config
        self.generator = Generator(config)
        self.readout = Readout(config)

    def forward(self, subjects: Subjects, noise: Tensor, cancelled: Cancelling = never) -> ReadoutOutput:
        """What the readout says of each subject, from noise `(draws, probes, noise_dim)`. Raises `Cancelled`."""
        output: ReadoutOutput = self.readout(self.answers(subjects, noise, cancelled), noise)
        return output

    def answers(self, subjects: Subjects, noise: Tensor, cancelled: Cancelling = never) -> Tensor:
        """Responses `(models, draws, placements, probes, channels)` to the probes that noise spells."""
        symbols: Tensor = self.generator(noise.flatten(0, 1))  # (draws * probes, length, symbols)
        channels = self.responses(subjects, symbols, cancelled)  # (models, placements, draws * probes, channels)
        by_draw: Tensor = channels.unflatten(2, noise.shape[:2])  # (models, placements, draws, probes, channels)
        return by_draw.transpose(1, 2)  # (models, draws, placements, probes, channels)

    def responses(self, subjects: Subjects, symbols: Tensor, cancelled: Cancelling = never) -> Tensor:
        """Responses `(models, placements, batch, channels)` of the frozen subjects to symbol distributions; the usual
        placement comes first. Subjects of one stack share T."""
        where = self.positions(subjects.configs[0].train_max_length).to(
            symbols.device
        )  # (placements, probes, 1 + length)
        draws = len(symbols) // where.shape[1]
        positions = where.repeat(1, draws, 1).flatten(0, 1).unsqueeze(0)  # (1, placements * batch, 1 + length)
        vectors = subjects.embed_distribution(symbols).repeat(1, len(where), 1, 1)  # (models, placements * batch, ...)
        mask = torch.ones(vectors.shape[1:3], dtype=torch.bool, device=vectors.device)
        parts = [
            response_channels(subjects.forward(vectors[:, rows], mask[rows], positions[:, rows], with_streams=True))
            for rows in row_batches(subjects, mask.shape[0], mask.shape[1], cancelled)
        ]
        channels = torch.cat(parts, dim=1)  # (models, placements * batch, channels)
        return channels.view(len(channels), len(where), len(symbols), -1)  # (models, placements, batch, channels)

    def positions(self, train_max_length: int) -> Tensor:
        """Places of the begin symbol and of each probe's symbols, `(placements, probes, 1 + length)`."""
        random = torch.Generator().manual_seed(self.config.placement_seed)
        probes, length = self.config.probes, self.config.probe_length
        usual = torch.arange(1 + length).expand(probes, -1)
        others = [places(kind, probes, length, train_max_length, random) for kind in self.config.placements]
        return torch.stack([usual, *others])


def draw_noise(config: SandwichConfig, draws: int, random: torch.Generator) -> Tensor:
    """Noise `(draws, probes, noise_dim)`, standard normal."""
    return torch.randn(draws, config.probes, config.noise_dim, generator=random)


def frozen_hash(subjects: SubjectStack) -> str:
    """sha256 over all bytes of the subjects: equal before and after whatever must not change them."""
    digest = hashlib.sha256()
    for name in sorted(subjects.weights):
        digest.update(name.encode())
        digest.update(subjects.weights[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
