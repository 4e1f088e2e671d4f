"""The layers after the subject: its responses to a set of probes in, logits of generalizing out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from probe_sandwich.sandwich.answers import ANSWER_CHANNELS, WORDS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.forest import Forest

_KNOTS = 32
_WIDEST = 3**0.5
"""Times this, ranks from -1 to 1 have a standard deviation of 1."""
_LAYERS = 0.2
"""Weight of what the layers say, beside that of the trees."""
_STEP, _TINY, _SUREST = 1e-3, 1e-6, 0.01


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
    variant, rest = divmod(index, 2 * channels)
    statistic = ("mean", "spread")[rest // channels]
    edits = [f"with a symbol of part {part + 1} of {config.edits} exchanged" for part in range(config.edits)]
    which = ["at their usual places", *(placement.name for placement in config.placements), *edits][variant]
    return f"the {statistic}, over probes {which}, of {WORDS[ANSWER_CHANNELS[rest % channels]]}"


@dataclass(frozen=True)
class Prepared:
    """Statistics over the probes as ranks among those of the training subjects, and of the statistics themselves the
    moments, `(models, draws, features)` each."""

    statistics: Tensor
    moments: Tensor


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
    """responses `(models, draws, variants, probes, channels)` -> statistics over the probes -> `ReadoutOutput`.

    Statistics are permutation-invariant: quantiles, mean and spread of each answer's channel over the probes, and how
    it rises with their length, which tells of lengths beyond T; how far, in size, spread and correlation, the responses
    of a variant are from those at the usual places; and how far every two other variants go together.

    Several heads read the same statistics, each by layers and by trees of its own, whose logits are averaged, the
    layers' with a fifth of the weight: trees read single tasks better, layers other lengths and sizes. In training each
    head is blind to its own part of the subjects: what it says of those decides when to stop, and calibration is fitted
    on it. In use the heads' logits are averaged.
    """

    channel_location: Tensor
    channel_scale: Tensor
    knots: Tensor

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        channels, variants = len(ANSWER_CHANNELS), config.variants
        self.register_buffer("channel_location", torch.zeros(channels))
        self.register_buffer("channel_scale", torch.ones(channels))
        pairs = (variants - 1) * (variants - 2) // 2
        statistics = channels * (variants * (config.quantiles + 3) + (variants - 1) * 3) + pairs
        self.register_buffer("knots", torch.linspace(-1, 1, _KNOTS).repeat(statistics, 1))
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout),
            _PerHead(config.heads, statistics, config.readout_hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            _PerHead(config.heads, config.readout_hidden, 2),
        )
        self.forest = Forest(config.heads, config.trees, config.leaves, 2)

    def standardize_on(self, channels: Tensor) -> None:
        """Fix what responses `(models, draws, variants, probes, channels)` of the training subjects are the measure of:
        location and scale of the answers at the usual places, then quantiles of the statistics."""
        flat = channels[:, :, 0, :, : len(ANSWER_CHANNELS)].flatten(0, -2)
        self.channel_location.copy_(flat.mean(dim=0))
        self.channel_scale.copy_(flat.std(dim=0).clamp(min=1e-3))
        statistics, _ = self._statistics(channels)
        at = torch.linspace(0, 1, _KNOTS, device=statistics.device)
        self.knots.copy_(_apart(statistics.flatten(0, 1).quantile(at, dim=0).T))

    def forward(self, channels: Tensor) -> ReadoutOutput:
        prepared = self.prepare(channels)
        both = self.by_trees(prepared.statistics).lerp(self.by_layers(prepared.statistics), _LAYERS)
        return ReadoutOutput(both[..., 0], both[..., 1], prepared.moments)

    def prepare(self, channels: Tensor) -> Prepared:
        """All that needs no learned weight: computed once where the same responses are read again and again."""
        statistics, moments = self._statistics(channels)
        ranks = _ranks(statistics.flatten(0, 1), self.knots).unflatten(0, statistics.shape[:2])
        return Prepared(ranks, moments)

    def by_layers(self, statistics: Tensor) -> Tensor:
        """What the heads' layers make of statistics `(models, draws, statistics)`: logits `(heads, models, draws, 2)`
        for the label and for the long accuracy."""
        logits: Tensor = self.layers(statistics.unsqueeze(0))
        return logits

    def by_trees(self, statistics: Tensor) -> Tensor:
        """The same of the heads' trees."""
        said: Tensor = self.forest(statistics.flatten(0, 1)).unflatten(1, statistics.shape[:2])
        return said.logit(eps=_SUREST)

    def _statistics(self, channels: Tensor) -> tuple[Tensor, Tensor]:
        """All statistics and, of them, the moments: `(models, draws, features)` each."""
        answers, length = channels.split([len(ANSWER_CHANNELS), 1], dim=-1)
        standard = (answers - self.channel_location) / self.channel_scale
        ordered = standard.sort(dim=3).values  # (models, draws, variants, probes, channels), as all before a mean
        at = torch.linspace(0, standard.shape[3] - 1, self.config.quantiles, device=standard.device).round().long()
        mean, spread = standard.mean(dim=3), _spread(standard)  # (models, draws, variants, channels)
        moments = torch.cat([mean, spread], dim=-1).flatten(2)  # (models, draws, variants * 2 * channels)
        centred, longer = standard - mean.unsqueeze(3), length - length.mean(dim=3, keepdim=True)
        rise = (centred * longer).mean(dim=3) / _spread(length).square()  # (models, draws, variants, channels)
        away = standard[:, :, 1:] - standard[:, :, :1]  # (models, draws, variants - 1, probes, channels)
        together = (centred[:, :, 1:] * centred[:, :, :1]).mean(dim=3)  # (models, draws, variants - 1, channels)
        comparison = [
            away.abs().mean(dim=3),
            _spread(away),
            together / (spread[:, :, 1:] * spread[:, :, :1]),
        ]
        parts = [ordered[:, :, :, at], moments, rise, torch.cat(comparison, dim=-1), self._agreement_of_pairs(answers)]
        return torch.cat([part.flatten(2) for part in parts], dim=-1), moments  # (models, draws, statistics)

    def _agreement_of_pairs(self, answers: Tensor) -> Tensor:
        """How far answers in every two variants but the usual one go together, `(models, draws, pairs)`: the product of
        their agreements with the usual one, averaged over the probes."""
        agreement = answers[:, :, 1:, :, ANSWER_CHANNELS.index("agreement")]  # (models, draws, variants - 1, probes)
        products = agreement @ agreement.transpose(2, 3) / agreement.shape[-1]
        count = agreement.shape[2]
        first, second = torch.triu_indices(count, count, 1, device=agreement.device)
        return products[:, :, first, second]


def _apart(knots: Tensor) -> Tensor:
    """Knots `(features, knots)` that rise by a step at least: where many subjects are alike, the last digits of a
    statistic, which differ from one computer to the next, would else decide its rank."""
    rise = _STEP * torch.arange(knots.shape[1], device=knots.device)
    return (knots - rise).cummax(dim=1).values + rise


def _ranks(values: Tensor, knots: Tensor) -> Tensor:
    """Where values `(n, features)` lie among rising `knots (features, knots)`, in equal steps and straight between
    them; never beyond the outermost."""
    columns = values.T.contiguous()
    last = knots.shape[1] - 1
    lower = (torch.searchsorted(knots, columns.detach(), right=True) - 1).clamp(0, last - 1)
    left, right = knots.gather(1, lower), knots.gather(1, lower + 1)
    # Knots far from zero may be equal in single precision, a step apart as they are meant to be.
    between = ((columns - left) / (right - left).clamp(min=_TINY)).clamp(0, 1)
    place = (lower + between) / last  # (features, n), from 0 to 1
    return (2 * place.T - 1) * _WIDEST


def _spread(values: Tensor) -> Tensor:
    """Standard deviation over the probes, the fourth dimension; that of one probe is next to nothing."""
    return (values - values.mean(dim=3, keepdim=True)).square().mean(dim=3).add(_TINY).sqrt()
