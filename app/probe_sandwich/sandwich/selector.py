"""The layers before the subject where candidates are there: noise in, one of the candidates out."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import FEATURES, Candidates
from probe_sandwich.sandwich.structure import STRUCTURE

_CODE_SEED = 7
_HIDDEN = 32
_SWAY = 2.0
"""The most that preferences may spread over the candidates, in standard deviations of what is at random."""


class Selector(nn.Module):
    """noise `(..., probes, noise_dim)` -> hidden layers -> a choice among candidates -> their symbols.

    A candidate's score is how well its own random code agrees with the noise, plus what the hidden layers make of the
    noise in its features: learned ones of its structure, if the config says how many. The layers begin at nothing, so
    that an untrained selector selects at random.
    """

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        learned = config.candidate_features
        if learned:
            self.embedding = nn.Sequential(nn.Linear(len(STRUCTURE), _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, learned))
        self.layers = nn.Sequential(
            nn.Linear(config.noise_dim, config.generator_hidden),
            nn.GELU(),
            nn.Linear(config.generator_hidden, learned or len(FEATURES)),
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
        preferred: Tensor = self.layers(noise) @ self._features(candidates).T
        # Bounded: else what is preferred leaves nothing to the noise, and all noise asks the same.
        return at_random + preferred * (_SWAY / preferred.std(dim=-1, keepdim=True, correction=0).clamp(min=_SWAY))

    def choose(self, noise: Tensor, candidates: Candidates) -> Tensor:
        """The candidate of each probe, `(..., probes)`. Learned probes are a set: none stands twice in it while others
        are left."""
        return self._best(self.scores(noise, candidates))

    def weights(self, noise: Tensor, candidates: Candidates) -> Tensor:
        """The choice `(..., probes, candidates)`: 1 for the candidate of each probe, with the gradient of a soft choice
        (Bengio et al. 2013, straight-through)."""
        scores = self.scores(noise, candidates)
        soft = (scores / self.config.temperature).softmax(dim=-1)
        return F.one_hot(self._best(scores), soft.shape[-1]).to(soft.dtype) + soft - soft.detach()

    def forward(self, noise: Tensor, candidates: Candidates) -> tuple[Tensor, Tensor]:
        """Symbols `(..., probes, length, symbols)` of the candidates chosen, and which they are, `(..., probes)`."""
        weights = self.weights(noise, candidates)
        flat = weights.flatten(0, -2) @ candidates.symbols.flatten(1)  # (all, length * symbols)
        symbols = flat.view(*weights.shape[:-1], *candidates.symbols.shape[1:])
        return symbols, weights.argmax(dim=-1)

    def _best(self, scores: Tensor) -> Tensor:
        # What is selected at random is spread already, and the readouts in use were fitted on it as it is.
        return _without_repetition(scores) if self.config.candidate_features else scores.argmax(dim=-1)

    def _features(self, candidates: Candidates) -> Tensor:
        """What of candidates the noise is laid against, `(candidates, features)`."""
        if not self.config.candidate_features:
            return candidates.features
        # Against the other candidates: what is long, or repeats itself, differs from task to task.
        structure = candidates.structure
        standard = (structure - structure.mean(dim=0)) / structure.std(dim=0, correction=0).clamp(min=1e-6)
        embedded: Tensor = self.embedding(standard)
        return embedded


def _without_repetition(scores: Tensor) -> Tensor:
    """The best candidate of each probe that no probe before it has, `(..., probes)`, of scores `(..., probes,
    candidates)`; all are free again when none is left."""
    taken = torch.zeros_like(scores[..., 0, :], dtype=torch.bool)
    chosen = []
    for probe in scores.detach().unbind(dim=-2):
        taken = taken & ~taken.all(dim=-1, keepdim=True)
        best = probe.masked_fill(taken, -torch.inf).argmax(dim=-1)
        taken = taken | F.one_hot(best, scores.shape[-1]).bool()
        chosen.append(best)
    return torch.stack(chosen, dim=-1)
