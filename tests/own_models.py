"""Models as people write them, for tests that ask them: each of ids over `VOCABULARY`, with random weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

VOCABULARY = ("#", "a", "b", "c")
T = 8


class Encoder(nn.Module):
    """PyTorch's own encoder with learned positions and a padding mask."""

    def __init__(self, classes: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.symbols, self.positions = nn.Embedding(len(VOCABULARY), 16), nn.Embedding(64, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(16, classes)

    def forward(self, ids: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        x = self.symbols(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        x = self.encoder(x, src_key_padding_mask=padding_mask)
        if padding_mask is not None:
            x = x.masked_fill(padding_mask.unsqueeze(-1), -1e4)
        return self.head(x.amax(dim=1))


class Block(nn.Module):
    """A block of nanoGPT."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))

    def forward(self, x: Tensor) -> Tensor:
        heads = [part.unflatten(-1, (2, 8)).transpose(1, 2) for part in self.qkv(self.norm_1(x)).split(16, dim=-1)]
        y = F.scaled_dot_product_attention(*heads, is_causal=True)  # (B, nh, T, hs)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm_2(x))


class GPT(nn.Module):
    """Like nanoGPT: causal, no mask at all, logits of the last symbol beside a loss."""

    def __init__(self, block_size: int = 64) -> None:
        super().__init__()
        self.block_size = block_size
        self.wte, self.wpe = nn.Embedding(len(VOCABULARY), 16), nn.Embedding(block_size, 16)
        self.h = nn.ModuleList([Block()])
        self.head = nn.Linear(16, 2, bias=False)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        assert idx.shape[1] <= self.block_size
        x = self.wte(idx) + self.wpe(torch.arange(idx.shape[1], device=idx.device))
        for block in self.h:
            x = block(x)
        logits = self.head(x[:, [-1], :])  # (B, 1, classes)
        return logits, None if targets is None else F.cross_entropy(logits[:, 0], targets)
