"""The layers after the subject: its responses to a set of probes in, logits of generalizing out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from probe_sandwich.sandwich.answers import ANSWER_CHANNELS, WORDS
from probe_sandwich.sandwich.config import SandwichConfig

_FARTHEST, _TINY = 5.0, 1e-6


@dataclass(frozen=True)
class ReadoutOutput:
    """Logits of every head for the label and for the long accuracy, `(heads, models, draws)` each, and `moments
    (models, draws, features)`: mean and spread of every response over the probes, part of what the heads read."""

    label: Tensor
    long_accuracy: Tensor
    moments: Tensor


def moment_name(config: SandwichConfig, index: int) -> str:
    """What one of the `moments` of a `ReadoutOutput` measures, in words. Logits count in units of the subject's own."""
    channels = len(ANSWER_CHANNELS)
    placement, rest = divmod(index, 2 * channels)
    statistic = ("mean", "spread")[rest // channels]
    where = config.placements[placement - 1].name if placement else "at their usual places"
    return f"the {statistic}, over probes {where}, of {WORDS[ANSWER_CHANNELS[rest % channels]]}"


@dataclass(frozen=True)
class Prepared:
    """Standardized responses by probe `(models, draws, probes, placements * channels)`, and of them standardized
    statistics and moments over the probes, `(models, draws, features)` each."""

    by_probe: Tensor
    statistics: Tensor
    moments: Tensor

    def select(self, rows: Tensor, draw: int) -> "Prepared":
        """Some subjects' responses to one draw."""
        at = slice(draw, draw + 1)
        return Prepared(self.by_probe[rows, at], self.statistics[rows, at], self.moments[rows, at])


class _PerHead(nn.Module):
    """A linear layer of each head: `(heads or 1, ..., in)` -> `(heads, ..., out)`."""

    def __init__(self, heads: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(heads, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(heads, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1, -2).expand(len(self.weight), -1, -1)  # (heads, all between, in)
        return torch.baddbmm(self.bias, flat, self.weight).view(len(self.weight), *x.shape[1:-1], -1)


class Readout(nn.Module):
    """responses `(models, draws, placements, probes, channels)` and noise -> statistics over the probes ->
    `ReadoutOutput`.

    Statistics are permutation-invariant: quantiles, mean and spread of each channel over the probes; how far, in size,
    spread and correlation, the responses of a placement are from those of the usual one; and means of learned features
    of each probe's noise and responses together.

    Several heads read the same statistics. In training each is blind to its own part of the configurations: what it
    says of those decides when to stop, and calibration is fitted on it. In use the heads' logits are averaged.
    """

    channel_location: Tensor
    channel_scale: Tensor
    location: Tensor
    scale: Tensor

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        channels, placements = len(ANSWER_CHANNELS), 1 + len(config.placements)
        self.register_buffer("channel_location", torch.zeros(channels))
        self.register_buffer("channel_scale", torch.ones(channels))
        statistics = channels * (placements * (config.quantiles + 2) + (placements - 1) * 3)
        self.register_buffer("location", torch.zeros(statistics))
        self.register_buffer("scale", torch.ones(statistics))
        seen = placements * channels + config.noise_dim * config.readout_sees_noise
        heads = config.heads
        self.probe_features = nn.Sequential(_PerHead(heads, seen, config.probe_features), nn.GELU())
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout),
            _PerHead(heads, statistics + config.probe_features, config.readout_hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            _PerHead(heads, config.readout_hidden, 2),
        )

    def standardize_on(self, channels: Tensor) -> None:
        """Fix locations and scales from responses `(models, draws, placements, probes, channels)` of the training
        subjects: of the channels at the usual placement, then of the statistics."""
        flat = channels[:, :, 0].flatten(0, -2)
        self.channel_location.copy_(flat.mean(dim=0))
        self.channel_scale.copy_(flat.std(dim=0).clamp(min=1e-3))
        statistics, _ = self._statistics(self._standard(channels))
        self.location.copy_(statistics.mean(dim=(0, 1)))
        self.scale.copy_(statistics.flatten(0, 1).std(dim=0).clamp(min=1e-3))

    def forward(self, channels: Tensor, noise: Tensor) -> ReadoutOutput:
        return self.read(self.prepare(channels), noise)

    def prepare(self, channels: Tensor) -> Prepared:
        """All that needs no learned weight: computed once where the same responses are read again and again."""
        standard = self._standard(channels)
        statistics, moments = self._statistics(standard)
        seen = ((statistics - self.location) / self.scale).clamp(-_FARTHEST, _FARTHEST)
        return Prepared(standard.transpose(2, 3).flatten(3), seen, moments)

    def read(self, prepared: Prepared, noise: Tensor) -> ReadoutOutput:
        """The heads' own layers."""
        by_probe = prepared.by_probe  # (models, draws, probes, placements * channels)
        if self.config.readout_sees_noise:
            by_probe = torch.cat([by_probe, noise.expand(len(by_probe), -1, -1, -1)], dim=-1)  # (..., + noise_dim)
        learned = self.probe_features(by_probe.unsqueeze(0)).mean(dim=3)  # (heads, models, draws, features)
        statistics = prepared.statistics.expand(self.config.heads, -1, -1, -1)  # (heads, models, draws, statistics)
        outputs = self.layers(torch.cat([statistics, learned], dim=-1))  # (heads, models, draws, 2)
        return ReadoutOutput(outputs[..., 0], outputs[..., 1], prepared.moments)

    def _standard(self, channels: Tensor) -> Tensor:
        return (channels - self.channel_location) / self.channel_scale

    def _statistics(self, standard: Tensor) -> tuple[Tensor, Tensor]:
        """All statistics and, of them, the moments: `(models, draws, features)` each."""
        probes = standard.shape[3]
        ordered = standard.sort(dim=3).values  # (models, draws, placements, probes, channels), as all before a mean
        at = torch.linspace(0, probes - 1, self.config.quantiles, device=standard.device).round().long()
        mean, spread = standard.mean(dim=3), _spread(standard)  # (models, draws, placements, channels)
        moments = torch.cat([mean, spread], dim=-1).flatten(2)  # (models, draws, placements * 2 * channels)
        away = standard[:, :, 1:] - standard[:, :, :1]  # (models, draws, placements - 1, probes, channels)
        centred = standard - mean.unsqueeze(3)
        together = (centred[:, :, 1:] * centred[:, :, :1]).mean(dim=3)  # (models, draws, placements - 1, channels)
        comparison = [
            away.abs().mean(dim=3),
            _spread(away),
            together / (spread[:, :, 1:] * spread[:, :, :1]),
        ]
        # (models, draws, ...): placements * quantiles * channels, then moments, then (placements - 1) * 3 * channels
        parts = [ordered[:, :, :, at].flatten(2), moments, torch.cat(comparison, dim=-1).flatten(2)]
        return torch.cat(parts, dim=-1), moments  # (models, draws, statistics)


def _spread(values: Tensor) -> Tensor:
    """Standard deviation over the probes, the fourth dimension; that of one probe is next to nothing."""
    return (values - values.mean(dim=3, keepdim=True)).square().mean(dim=3).add(_TINY).sqrt()
