"""Randomized trees as tensors: grown in training, read by nothing but look-ups."""

import torch
from torch import Tensor, nn

_GRAIN = 2**-9


def coarse(features: Tensor) -> Tensor:
    """Features in steps: where many are alike, a split would else fall between their last digits, which differ from one
    computer to the next."""
    return (features / _GRAIN).round() * _GRAIN


class Forest(nn.Module):
    """Features `(n, features)` -> what each head's trees say, averaged over them, `(heads, n, outputs)`.

    A node is a leaf if it is its own child. Before any tree is grown each is one leaf, which says 0.5.
    """

    feature: Tensor
    threshold: Tensor
    child: Tensor
    value: Tensor

    def __init__(self, heads: int, trees: int, leaves: int, outputs: int) -> None:
        super().__init__()
        shape = heads, trees, 2 * leaves - 1
        self.register_buffer("feature", torch.zeros(shape, dtype=torch.int16))
        self.register_buffer("threshold", torch.zeros(shape))
        self.register_buffer("child", torch.arange(shape[2], dtype=torch.int16).repeat(2, *shape[:2], 1))
        self.register_buffer("value", torch.full((*shape, outputs), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        heads, trees, _, outputs = self.value.shape
        feature, threshold = self.feature.long().flatten(0, 1), self.threshold.flatten(0, 1)  # (all trees, nodes)
        child = self.child.long().flatten(1, 2).movedim(0, 2).flatten(1)  # (all trees, nodes * 2): left, then right
        by_feature = coarse(x).T.contiguous()  # (features, n)
        node = torch.zeros(heads * trees, len(x), dtype=torch.long, device=x.device)
        while True:
            right = by_feature.gather(0, feature.gather(1, node)) > threshold.gather(1, node)
            below = child.gather(1, 2 * node + right)
            if torch.equal(below, node):
                break
            node = below
        said = self.value.flatten(0, 1).gather(1, node.unsqueeze(2).expand(-1, -1, outputs))  # (all trees, n, outputs)
        mean: Tensor = said.unflatten(0, (heads, trees)).mean(dim=1)
        return mean
