"""The Transformer, written for a stack: every tensor has a leading axis of models.

One subject is a stack of one. Subjects of one `Shape` differ in weights, position scheme, pooling and
causality, all of which are data, and run in one batched program. Shapes are named in the order
`(models, batch, heads, length, d_model)`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from probe_sandwich.subjects.config import Activation, Norm, Pooling, Scheme, SubjectConfig
from probe_sandwich.subjects.positions import Positions, stack_positions, turn
from probe_sandwich.subjects.size import Size

Weights = Mapping[str, Tensor]


class UnlikeShapes(ValueError):
    """Subjects of different shapes were to be stacked."""


def weight_shapes(config: SubjectConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a subject's tensors, in the order in which they are stored."""
    d, ff = config.d_model, config.d_ff
    shapes: dict[str, tuple[int, ...]] = {"embedding": (len(config.vocabulary), d)}
    if config.scheme is Scheme.LEARNED:
        shapes["positions"] = (config.max_positions, d)
    for layer in range(config.layers):
        shapes |= {
            f"layers.{layer}.attention.in.weight": (d, 3 * d),
            f"layers.{layer}.attention.in.bias": (3 * d,),
            f"layers.{layer}.attention.out.weight": (d, d),
            f"layers.{layer}.attention.out.bias": (d,),
            f"layers.{layer}.feed_forward.in.weight": (d, ff),
            f"layers.{layer}.feed_forward.in.bias": (ff,),
            f"layers.{layer}.feed_forward.out.weight": (ff, d),
            f"layers.{layer}.feed_forward.out.bias": (d,),
        }
    return shapes | {
        "head.weight": (d, config.classes),
        "head.bias": (config.classes,),
    }


def parameter_count(config: SubjectConfig) -> int:
    """Number of a subject's parameters, without allocating any."""
    return sum(math.prod(shape) for shape in weight_shapes(config).values())


@dataclass(frozen=True)
class Responses:
    """What a stack says to a batch: `logits (models, batch, classes)`; `mask (batch, length)` tells symbols from
    padding."""

    logits: Tensor
    mask: Tensor


@dataclass(frozen=True)
class SubjectStack:
    """Subjects of one shape: configs, and weights `(models, ...)` by name."""

    configs: tuple[SubjectConfig, ...]
    weights: Weights
    positions: Positions
    own_ids: Tensor
    """Each subject's own ids of the task's symbols, the begin symbol and the padding, `(models, symbols + 2)`."""
    causal: Tensor
    """Which subjects look back only, `(models,)`."""
    last_rows: Tensor | None
    """Place of the last row of each subject's learned table, `(models, 1, 1)`; None where no subject has one."""

    @staticmethod
    def of(configs: Sequence[SubjectConfig], weights: Weights) -> "SubjectStack":
        """Stack subjects. Raises `UnlikeShapes`."""
        check_alike(configs)
        device = weights["embedding"].device
        table = weights.get("positions")
        return SubjectStack(
            tuple(configs),
            weights,
            stack_positions(configs, device),
            own_ids=torch.tensor([config.own_ids for config in configs], device=device),
            causal=torch.tensor([config.causal for config in configs], device=device),
            last_rows=None
            if table is None
            else torch.tensor([[[min(c.max_positions, table.shape[1]) - 1]] for c in configs], device=device),
        )

    def __len__(self) -> int:
        return len(self.configs)

    def select(self, rows: Sequence[int]) -> "SubjectStack":
        """Some subjects of the stack, in the given order."""
        index = torch.tensor(rows, dtype=torch.long, device=self.device)
        weights = {name: weight[index] for name, weight in self.weights.items()}
        return SubjectStack.of([self.configs[row] for row in rows], weights)

    @property
    def device(self) -> torch.device:
        return self.weights["embedding"].device

    @property
    def size(self) -> Size:
        return self.configs[0].size

    def embed_ids(self, ids: Tensor) -> Tensor:
        """Symbol ids `(models or 1, batch, length)` as vectors `(models, batch, length, d_model)`.

        Ids are places in the task's alphabet, whatever order the subject's own vocabulary has.
        """
        embedding = self._embedding()
        if ids.shape[0] == 1:
            return embedding[:, ids[0]]
        models = torch.arange(len(self), device=ids.device).view(-1, 1, 1)
        return embedding[models, ids]

    def embed_distribution(self, symbols: Tensor) -> Tensor:
        """Distributions over the task's alphabet, `(batch, length, symbols)`, as vectors
        `(models, batch, 1 + length, d_model)` with the begin symbol's before them."""
        embedding = self._embedding()
        begin = embedding[:, None, None, -2].expand(-1, len(symbols), 1, -1)
        return torch.cat([begin, symbols @ embedding[:, None, : symbols.shape[-1]]], dim=2)

    def _embedding(self) -> Tensor:
        """Embedding rows of the task's symbols, the begin symbol and the padding, `(models, symbols + 2, d_model)`."""
        models = torch.arange(len(self), device=self.device).unsqueeze(1)
        return self.weights["embedding"][models, self.own_ids]

    def forward(self, vectors: Tensor, mask: Tensor, positions: Tensor | None = None) -> Responses:
        """Responses to `vectors (models, batch, length, d_model)`, padding to the right.

        `mask (batch, length)` or `(models, batch, length)` is true on symbols. `positions (models or 1, batch or 1,
        length)` are the places, rising from left to right, at which the vectors stand; 0, 1, 2, … where not given.
        The first vector is the begin symbol's. A learned table that ends early gives its last row from there on.
        """
        mask = mask.expand(len(self), -1, -1)
        if positions is None:
            positions = torch.arange(vectors.shape[2], device=vectors.device).view(1, 1, -1)
        x = self._add_positions(vectors, positions.expand(len(self), -1, -1))
        bias = self._attention_bias(mask, positions, x.dtype)
        rotation = self._rotation(positions, x.dtype)
        for layer in range(self.configs[0].layers):
            x = self._block(x, f"layers.{layer}", bias, rotation)
        return Responses(self._head(self._pool(_norm(x), mask)), mask)

    def _add_positions(self, vectors: Tensor, positions: Tensor) -> Tensor:
        sinusoidal = self.positions.additive(positions.to(torch.float32), vectors.dtype)
        if sinusoidal is not None:
            vectors = vectors + sinusoidal
        if self.last_rows is not None:
            rows = torch.arange(len(self), device=vectors.device).view(-1, 1, 1)
            vectors = vectors + self.weights["positions"][rows, positions.minimum(self.last_rows)]
        return vectors

    def _attention_bias(self, mask: Tensor, positions: Tensor, dtype: torch.dtype) -> Tensor:
        """Additive bias `(models, batch, heads or 1, length, length)`: -inf on what may not be seen."""
        length = mask.shape[-1]
        later = torch.ones(length, length, dtype=torch.bool, device=mask.device).triu(1)
        # Padding stands to the right, where a causal subject never looks from a symbol.
        if all(config.causal for config in self.configs):
            hidden = later.view(1, 1, 1, length, length)
        else:
            hidden = (later & self.causal.view(-1, 1, 1)).view(-1, 1, 1, length, length) | ~mask[:, :, None, None, :]
        bias = torch.zeros(hidden.shape, dtype=dtype, device=mask.device).masked_fill(hidden, -torch.inf)
        if self.positions.slopes is not None:
            distance = (positions.unsqueeze(-1) - positions.unsqueeze(-2)).abs().to(dtype)
            bias = bias - self.positions.slopes.to(dtype)[:, None, :, None, None] * distance.unsqueeze(2)
        return bias

    def _rotation(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor] | None:
        if self.positions.frequencies is None:
            return None
        angles = positions.to(torch.float32).unsqueeze(-1) * self.positions.frequencies[:, None, None, :]
        # Each angle serves both members of its pair, in every head, for queries and keys:
        # (models, batch or 1, length, 2 d_model).
        copies = 4 * self.configs[0].heads
        cosine, sine = (wave.to(dtype).repeat(1, 1, 1, copies) for wave in (angles.cos(), angles.sin()))
        return cosine, sine

    def _block(self, x: Tensor, name: str, bias: Tensor, rotation: tuple[Tensor, Tensor] | None) -> Tensor:
        if self.configs[0].norm is Norm.PRE:
            x = x + self._attention(_norm(x), name, bias, rotation)
            return x + self._feed_forward(_norm(x), name)
        x = _norm(x + self._attention(x, name, bias, rotation))
        return _norm(x + self._feed_forward(x, name))

    def _attention(self, x: Tensor, name: str, bias: Tensor, rotation: tuple[Tensor, Tensor] | None) -> Tensor:
        models, batch, length, d = x.shape
        heads = self.configs[0].heads
        weight, offset = self.weights[f"{name}.attention.in.weight"], self.weights[f"{name}.attention.in.bias"]
        query_key, value = _affine(x, weight, offset).split([2 * d, d], dim=-1)
        if rotation is not None:
            # The pairs' other members, through the same projection with its columns exchanged.
            cosine, sine = rotation
            turned = _affine(x, turn(weight[..., : 2 * d], d // heads), turn(offset[..., : 2 * d], d // heads))
            query_key = torch.addcmul(query_key * cosine, turned, sine)
        query, key = (_to_heads(part, heads) for part in query_key.chunk(2, dim=-1))
        value = _to_heads(value, heads)
        # Plain products: at these sizes half the time of scaled_dot_product_attention on a CPU.
        scores = (query * (d // heads) ** -0.5) @ key.transpose(-1, -2) + bias
        mixed = (scores.softmax(dim=-1) @ value).transpose(2, 3).reshape(models, batch, length, d)
        return self._linear(mixed, f"{name}.attention.out")

    def _feed_forward(self, x: Tensor, name: str) -> Tensor:
        hidden = self._linear(x, f"{name}.feed_forward.in")
        active = F.gelu(hidden) if self.configs[0].activation is Activation.GELU else F.relu(hidden)
        return self._linear(active, f"{name}.feed_forward.out")

    def _pool(self, x: Tensor, mask: Tensor) -> Tensor:
        """One vector `(models, batch, d_model)` a sequence, by each model's own pooling."""
        poolings = [config.pooling for config in self.configs]
        pooled: dict[Pooling, Tensor] = {}
        visible = mask.unsqueeze(-1)
        lengths = mask.sum(dim=-1, keepdim=True)
        if Pooling.FIRST in poolings:
            pooled[Pooling.FIRST] = x[:, :, 0]
        if Pooling.LAST in poolings:
            index = (lengths - 1).unsqueeze(-1).expand(-1, -1, 1, x.shape[-1])
            pooled[Pooling.LAST] = x.gather(2, index).squeeze(2)
        if Pooling.MEAN in poolings:
            pooled[Pooling.MEAN] = (x * visible).sum(dim=2) / lengths
        if Pooling.MAX in poolings:
            pooled[Pooling.MAX] = x.masked_fill(~visible, -torch.inf).amax(dim=2)
        if len(pooled) == 1:
            return pooled[poolings[0]]
        return torch.stack([pooled[pooling][index] for index, pooling in enumerate(poolings)])

    def _head(self, x: Tensor) -> Tensor:
        return self._linear(x, "head")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return _affine(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])


def check_alike(configs: Sequence[SubjectConfig]) -> None:
    if len({config.shape for config in configs}) != 1:
        raise UnlikeShapes("only subjects of one shape stack; group them by SubjectConfig.shape")


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`x (models, ..., in)` through each model's own `weight (models, in, out)` and `bias (models, out)`."""
    flat = x.reshape(len(weight), -1, x.shape[-1])
    return torch.baddbmm(bias.unsqueeze(1), flat, weight).view(*x.shape[:-1], weight.shape[-1])


def _to_heads(x: Tensor, heads: int) -> Tensor:
    """`(models, batch, length, d_model)` as `(models, batch, heads, length, d_head)`."""
    return x.view(*x.shape[:-1], heads, -1).transpose(2, 3)


def _norm(x: Tensor) -> Tensor:
    """Layer normalization without scale and shift: the linear map that follows holds both."""
    return F.layer_norm(x, x.shape[-1:])


def initial_weights(config: SubjectConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """A fresh subject's tensors: Gaussian with variance 1 / fan-in, residual outputs and head scaled down."""
    weights = {}
    for name, shape in weight_shapes(config).items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        else:
            deviation = 0.5 if name in ("embedding", "positions") else shape[0] ** -0.5
            if name.endswith("out.weight"):
                deviation /= math.sqrt(2 * config.layers)
            elif name == "head.weight":
                deviation /= 10
            weights[name] = torch.randn(shape, generator=generator) * deviation
    return weights


def on_device(weights: Weights, device: torch.device | str) -> dict[str, Tensor]:
    """The same tensors, on a device."""
    return {name: tensor.to(device) for name, tensor in weights.items()}


def join(subjects: Sequence[tuple[SubjectConfig, Weights]]) -> SubjectStack:
    """One stack of single subjects (weights without a model axis), whatever their position schemes.

    A subject without a learned table gets one of zeros where another of the stack has one.
    Raises `UnlikeShapes`.
    """
    configs = [config for config, _ in subjects]
    check_alike(configs)
    rows = max((config.max_positions for config in configs if config.scheme is Scheme.LEARNED), default=0)
    names = [name for name in subjects[0][1] if name != "positions"]
    weights = {name: _stacked([single[name] for _, single in subjects]) for name in names}
    if rows:
        tables = weights["embedding"].new_zeros(len(subjects), rows, configs[0].d_model)
        for table, (_, single) in zip(tables, subjects, strict=True):
            if "positions" in single:
                table[: len(single["positions"])] = single["positions"]
        weights["positions"] = tables
    return SubjectStack.of(configs, weights)


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors with an axis of models before them; a single one is not copied, for it may be large."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(list(tensors))
