"""A classifier of sequences as people write it around `torch.nn.TransformerEncoder`."""

import math

import torch
from torch import Tensor, nn

from probe_sandwich.subjects.config import Norm
from probe_sandwich.zoo.foreign.config import CLASSES, ForeignConfig, ForeignPool, PositionSource


class PlainClassifier(nn.Module):
    """Embedding, positions, encoder, pooling, linear head."""

    sinusoidal: Tensor

    def __init__(self, config: ForeignConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        width = config.d_model
        self.embedding = nn.Embedding(len(config.vocabulary), width)
        self.learned = nn.Embedding(config.max_positions, width) if config.table is PositionSource.LEARNED else None
        self.register_buffer("sinusoidal", _sinusoidal(config.max_positions, width), persistent=False)
        layer = nn.TransformerEncoderLayer(
            width,
            config.heads,
            config.d_ff,
            dropout,
            config.activation.value,
            batch_first=True,
            norm_first=config.norm is Norm.PRE,
        )
        norm = nn.LayerNorm(width) if config.norm is Norm.PRE else None
        self.encoder = nn.TransformerEncoder(layer, config.layers, norm, enable_nested_tensor=False)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, ids: Tensor, padding: Tensor | None = None, positions: Tensor | None = None) -> Tensor:
        """Logits `(batch, classes)` of `ids (batch, length)`; `padding`, of that shape, is true on no symbol."""
        if padding is None:
            padding = torch.zeros_like(ids, dtype=torch.bool)
        if positions is None:
            positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        x = self.embedding(ids)
        if self.learned is not None:
            x = x + self.learned(positions)
        elif self.config.table is PositionSource.SINUSOIDAL:
            x = x + self.sinusoidal[positions]
        later = None
        if self.config.causal:
            later = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).triu(1)
        x = self.encoder(x, mask=later, src_key_padding_mask=padding, is_causal=self.config.causal)
        logits: Tensor = self.head(self._pooled(x, ~padding))
        return logits

    def _pooled(self, x: Tensor, seen: Tensor) -> Tensor:
        """One vector `(batch, width)` a sequence."""
        pool = self.config.pool
        if pool is ForeignPool.FIRST:
            return x[:, 0]
        if pool is ForeignPool.LAST:
            places = torch.arange(x.shape[1], device=x.device)
            return x[torch.arange(len(x), device=x.device), (places * seen).argmax(dim=1)]
        visible = seen.unsqueeze(-1)
        if pool is ForeignPool.MEAN:
            return (x * visible).sum(dim=1) / visible.sum(dim=1)
        return x.masked_fill(~visible, -math.inf).amax(dim=1)


def _sinusoidal(positions: int, width: int) -> Tensor:
    """The table of Vaswani et al. 2017, `(positions, width)`."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(positions).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
