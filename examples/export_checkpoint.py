"""A checkpoint from a Transformer of your own, written in plain PyTorch with names of its own.

python examples/export_checkpoint.py subject.safetensors

`Classifier` stands for what you have; `export` is what you write for it. The last lines ask both the same formula.
"""

import sys
from pathlib import Path

import torch
from probe_sandwich.subjects.checkpoint import load_checkpoint, save_checkpoint
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.transformer import join
from probe_sandwich.tasks.alphabets import alphabet_of
from torch import Tensor, nn
from torch.nn import functional as F

SYMBOLS = ("<pad>", "<s>", "a", "b", "c", "d", "e", "~", "&")
T, WIDTH, LAYERS, HEADS = 12, 32, 2, 4
FORMULA = "a&~b&b"


class Block(nn.Module):
    """Causal attention and a feed-forward layer, each with a norm before it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """`x (batch, length, width)`."""
        heads = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(*heads, is_causal=True)  # (batch, heads, length, width / heads)
        x = x + self.proj(mixed.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Classifier(nn.Module):
    """Reads `<s>` and a formula; the last symbol's vector goes to the head, whose class 1 is satisfiable."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(len(SYMBOLS), WIDTH), nn.Embedding(64, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2)

    def forward(self, ids: Tensor, first: int = 0) -> Tensor:
        """Logits `(batch, 2)` of `ids (batch, length)`, the first of them at place `first`."""
        x = self.tokens(ids) + self.places(first + torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, -1])


def folded(linear: nn.Linear, norm: nn.LayerNorm) -> nn.Linear:
    """One linear layer that does to a plain norm's output what `linear` does to that of `norm`, scaled and shifted."""
    same = nn.Linear(linear.in_features, linear.out_features)
    with torch.no_grad():
        same.weight.copy_(linear.weight * norm.weight)
        same.bias.copy_(linear.bias + linear.weight @ norm.bias)
    return same


def export(model: Classifier, path: Path, task: str = "conjunction") -> None:
    """Write a checkpoint: our names, weights as (in, out), no scale or shift in a norm."""
    config = SubjectConfig(
        vocabulary=SYMBOLS,
        begin_symbol="<s>",
        pad_symbol="<pad>",
        d_model=WIDTH,
        layers=LAYERS,
        heads=HEADS,
        d_ff=2 * WIDTH,
        scheme="learned",
        max_positions=64,
        causal=True,
        pooling="last",
        norm="pre",
        activation="gelu",
        train_max_length=T,
        task={"name": task},
    )
    linears = {"head": folded(model.head, model.norm)}
    for number, block in enumerate(model.blocks):
        linears |= {
            f"layers.{number}.attention.in": folded(block.qkv, block.norm1),
            f"layers.{number}.attention.out": block.proj,
            f"layers.{number}.feed_forward.in": folded(block.up, block.norm2),
            f"layers.{number}.feed_forward.out": block.down,
        }
    weights = {"embedding": model.tokens.weight, "positions": model.places.weight}
    for name, linear in linears.items():
        weights |= {f"{name}.weight": linear.weight.T, f"{name}.bias": linear.bias}
    save_checkpoint(path, config, weights)


def main(path: Path) -> None:
    """Export a model, here an untrained one, and compare."""
    torch.manual_seed(0)
    model = Classifier().eval()
    for norm in (module for module in model.modules() if isinstance(module, nn.LayerNorm)):
        nn.init.normal_(norm.weight, 1.0, 0.3)  # so that folding has something to fold
        nn.init.normal_(norm.bias, 0.0, 0.3)
    export(model, path)
    checkpoint = load_checkpoint(path)
    subject = join([(checkpoint.config, checkpoint.weights)])
    alphabet = alphabet_of(checkpoint.config.task)  # the begin symbol's id comes after those of the alphabet
    ours = torch.tensor([[[len(alphabet), *map(alphabet.index, FORMULA)]]])  # (models, batch, length)
    theirs = torch.tensor([[SYMBOLS.index(symbol) for symbol in ("<s>", *FORMULA)]])
    with torch.no_grad():
        logits = subject.forward(subject.embed_ids(ours), torch.ones_like(theirs, dtype=torch.bool)).logits
        difference = (logits[0] - model(theirs)).abs().max()
    print(f"{path}: {checkpoint.parameters} parameters; logits differ by {difference:.1e} at most")
    if difference > 1e-4:
        raise SystemExit("the export is wrong")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
