"""The layers before the subject where candidates are there: noise in, one of the candidates out."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import FEATURES, Candidates

_CODE_SEED = 7


class Selector(nn.Module):
    """noise `(..., noise_dim)` -> hidden layers -> a choice among candidates -> their symbols.

    A candidate's score is how well its own random code agrees with the noise, plus what the hidden layers make of the
    noise in its features. The layers begin at nothing, so that an untrained selector selects at random.
    """

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.Linear(config.noise_dim, config.generator_hidden),
            nn.GELU(),
            nn.Linear(config.generator_hidden, len(FEATURES)),
        )
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def scores(self, noise: Tensor, candidates: Candidates) -> Tensor:
        """Unnormalized log-probabilities `(..., candidates)`."""
        generator = torch.Generator().manual_seed(_CODE_SEED)
        codes = torch.randn(len(candidates.lengths), self.config.noise_dim, generator=generator).to(noise)
        # Of one length: else the longest codes would be chosen most.
        at_random: Tensor = noise @ F.normalize(codes, dim=1).T
        preferred: Tensor = self.layers(noise) @ candidates.features.T
        return at_random + preferred

    def forward(self, noise: Tensor, candidates: Candidates) -> tuple[Tensor, Tensor]:
        """Symbols `(..., length, symbols)` and lengths `(...)` of the candidates chosen, one each, with the gradient of
        a soft choice (Bengio et al. 2013, straight-through)."""
        soft = (self.scores(noise, candidates) / self.config.temperature).softmax(dim=-1)  # (..., candidates)
        chosen = soft.argmax(dim=-1)
        weights = F.one_hot(chosen, soft.shape[-1]).to(soft.dtype) + soft - soft.detach()
        flat = weights.flatten(0, -2) @ candidates.symbols.flatten(1)  # (all, length * symbols)
        symbols = flat.view(*chosen.shape, *candidates.symbols.shape[1:])
        return symbols, candidates.lengths[chosen]
