"""The layers before the subject: Gaussian noise in, a distribution over symbols at each position out."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS

SYMBOLS = len(FORMULA_SYMBOLS)


class Generator(nn.Module):
    """noise `(..., noise_dim)` -> hidden layers -> symbols `(..., length, symbols)`."""

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.Linear(config.noise_dim, config.generator_hidden),
            nn.GELU(),
            nn.Linear(config.generator_hidden, config.generator_hidden),
            nn.GELU(),
            nn.Linear(config.generator_hidden, config.probe_length * SYMBOLS),
        )

    def scores(self, noise: Tensor) -> Tensor:
        """Unnormalized log-probabilities `(..., length, symbols)`."""
        flat: Tensor = self.layers(noise)  # (..., length * symbols)
        return flat.view(*noise.shape[:-1], self.config.probe_length, SYMBOLS)  # (..., length, symbols)

    def forward(self, noise: Tensor) -> Tensor:
        """Symbol distributions `(..., length, symbols)`; with `hard_symbols`, one symbol a position with the soft
        gradient (Bengio et al. 2013, straight-through)."""
        soft = (self.scores(noise) / self.config.temperature).softmax(dim=-1)  # (..., length, symbols)
        if not self.config.hard_symbols:
            return soft
        hard = F.one_hot(soft.argmax(dim=-1), SYMBOLS).to(soft.dtype)  # (..., length, symbols)
        return hard + soft - soft.detach()


def one_hot_symbols(ids: NDArray[np.uint8]) -> Tensor:
    """Real formulas, ids `(formulas, length)`, as distributions `(formulas, length, symbols)`."""
    return F.one_hot(torch.from_numpy(ids).long(), SYMBOLS).float()
