"""The layers after the subject: its responses to a set of probes in, evidence of generalization out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.sandwich.config import SandwichConfig
from app.subjects.transformer import Responses

LENS_DEPTHS = ("first", "middle", "last")
CHANNELS = (
    "gap",
    "margin",
    *(f"{depth} lens {part}" for depth in LENS_DEPTHS for part in ("mean", "highest", "final", "spread")),
    *(f"{depth} log-norm" for depth in LENS_DEPTHS),
)
"""Names of the numbers that a subject's responses to one probe come down to, whatever its width and depth."""


@dataclass(frozen=True)
class Evidence:
    """What the readout says: a logit for the label and one for the long accuracy, `(models, draws)` each,
    and the `statistics (models, draws, features)` over the probes that it said it from."""

    label: Tensor
    long_accuracy: Tensor
    statistics: Tensor


def response_channels(responses: Responses) -> Tensor:
    """Width-free responses `(models, batch, channels)`.

    The lens is the subject's own head on the stream after the first, middle and last layer: the gap of its
    two logits, summarized over positions. Needs responses with streams.
    """
    assert responses.lens is not None
    assert responses.log_norms is not None
    gap = responses.logits[..., 1] - responses.logits[..., 0]
    lens = responses.lens[..., 1] - responses.lens[..., 0]
    summaries = [lens.mean(dim=-1), lens.amax(dim=-1), lens[..., -1], lens.std(dim=-1)]
    by_depth = torch.stack(summaries, dim=-1).flatten(-2)
    norms = responses.log_norms.mean(dim=-1)
    return torch.cat([gap.unsqueeze(-1), gap.abs().unsqueeze(-1), by_depth, norms], dim=-1)


class Readout(nn.Module):
    """responses `(models, draws, probes, channels)` and noise -> statistics over the probes -> `Evidence`.

    Statistics are permutation-invariant: quantiles, mean and spread of each channel over the probes, and means
    of learned features of each probe's noise and responses together, so that an answer is read with its
    question.
    """

    location: Tensor
    scale: Tensor

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        channels = len(CHANNELS)
        self.register_buffer("location", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))
        seen = channels + config.noise_dim * config.readout_sees_noise
        self.probe_features = nn.Sequential(nn.Linear(seen, config.probe_features), nn.GELU())
        inputs = channels * (config.quantiles + 2) + config.probe_features
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(inputs, config.readout_hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.readout_hidden, 2),
        )

    def standardize_on(self, channels: Tensor) -> None:
        """Fix location and scale from responses `(..., channels)` of the training subjects."""
        flat = channels.detach().flatten(0, -2)
        self.location.copy_(flat.mean(dim=0))
        self.scale.copy_(flat.std(dim=0).clamp(min=1e-3))

    def forward(self, channels: Tensor, noise: Tensor) -> Evidence:
        standard = (channels - self.location) / self.scale
        ordered = standard.sort(dim=2).values
        places = torch.linspace(0, ordered.shape[2] - 1, self.config.quantiles, device=ordered.device)
        quantiles = ordered[:, :, places.round().long()]  # (models, draws, quantiles, channels)
        spread = standard.std(dim=2) if standard.shape[2] > 1 else torch.zeros_like(standard[:, :, 0])
        moments = torch.stack([standard.mean(dim=2), spread], dim=2)
        statistics = torch.cat([quantiles, moments], dim=2).flatten(2)
        if self.config.readout_sees_noise:
            standard = torch.cat([standard, noise.expand(len(standard), -1, -1, -1)], dim=-1)
        learned = self.probe_features(standard).mean(dim=2)
        outputs = self.layers(torch.cat([statistics, learned], dim=-1))
        return Evidence(outputs[..., 0], outputs[..., 1], statistics)
