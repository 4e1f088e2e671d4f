"""The layers before the subject: Gaussian noise in, a distribution over symbols at each position out."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.tasks.logic.vocabulary import AND, FORMULA_SYMBOLS, IDS, NOT, VARIABLES

SYMBOLS = len(FORMULA_SYMBOLS)
_WARM_UP_BATCH, _WARM_UP_RATE = 256, 2e-3


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
        flat: Tensor = self.layers(noise)
        return flat.view(*noise.shape[:-1], self.config.probe_length, SYMBOLS)

    def forward(self, noise: Tensor) -> Tensor:
        """Symbol distributions; with `hard_symbols`, one symbol a position with the soft gradient (Bengio
        et al. 2013, straight-through)."""
        soft = (self.scores(noise) / self.config.temperature).softmax(dim=-1)
        if not self.config.hard_symbols:
            return soft
        hard = F.one_hot(soft.argmax(dim=-1), SYMBOLS).to(soft.dtype)
        return hard + soft - soft.detach()


def one_hot_symbols(ids: NDArray[np.uint8]) -> Tensor:
    """Real formulas, ids `(formulas, length)`, as distributions `(formulas, length, symbols)`."""
    return F.one_hot(torch.from_numpy(ids).long(), SYMBOLS).float()


def warm_up(generator: Generator, steps: int, random: torch.Generator) -> float:
    """Teach a fresh generator to read noise as formulas, before it has seen any subject.

    Near-uniform mixtures of symbols mean nothing to a subject, so training through subjects must start from
    sequences of the kind that they know. Returns the last batch's share of right symbols.
    """
    optimizer = torch.optim.Adam(generator.parameters(), lr=_WARM_UP_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    share = 0.0
    for _ in range(steps):
        noise = torch.randn(_WARM_UP_BATCH, generator.config.noise_dim, generator=random)
        target = formulas_in_noise(noise, generator.config)
        scores = generator.scores(noise)
        loss = F.cross_entropy(scores.flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        share = float((scores.argmax(dim=-1) == target).float().mean())
    return share


def formulas_in_noise(noise: Tensor, config: SandwichConfig) -> Tensor:
    """Conjunctions that a Gaussian vector spells, as symbol ids `(batch, length)`.

    Three parts of the vector say: which assignment most literals agree with; which of a few layouts (where
    leaves and negations stand); and which variable each leaf holds, with a leaning to agree. So they lie
    near the border of satisfiability, as the subjects' own training formulas do.
    """
    layouts = _layouts(config)  # (layouts, length): a variable's place is -1, any other a symbol id
    assignment = noise[:, : len(VARIABLES)] > 0
    start = len(VARIABLES)
    layout = layouts[noise[:, start : start + len(layouts)].argmax(dim=1)]
    start += len(layouts)
    is_leaf = layout < 0
    negated = F.pad(layout[:, :-1], (1, 0), value=0) == IDS[NOT]
    leaf = (is_leaf.cumsum(dim=1) - 1).clamp(min=0)
    leaves = int(leaf.max()) + 1
    wishes = noise[:, start : start + leaves * len(VARIABLES)].view(len(noise), leaves, len(VARIABLES))
    wishes = wishes.gather(1, leaf.unsqueeze(-1).expand(-1, -1, len(VARIABLES)))
    agrees = assignment.unsqueeze(1) != negated.unsqueeze(-1)
    variable = (wishes + config.leaning * agrees).argmax(dim=-1)
    return torch.where(is_leaf, variable, layout)


def noise_needed(config: SandwichConfig) -> int:
    """The least `noise_dim` that `formulas_in_noise` can read."""
    most_leaves = int((_layouts(config) < 0).sum(dim=1).max())
    return len(VARIABLES) * (1 + most_leaves) + config.layouts


def _layouts(config: SandwichConfig) -> Tensor:
    random = torch.Generator().manual_seed(config.layout_seed)
    length = config.probe_length
    choices = [n for n in range(2, length) if 1 <= length + 1 - 2 * n <= n - 1]
    rows = []
    for index in range(config.layouts):
        leaves = choices[index % len(choices)]
        negated = torch.randperm(leaves, generator=random) < length + 1 - 2 * leaves
        symbols: list[int] = []
        for leaf in range(leaves):
            symbols += [IDS[AND]] * (leaf > 0) + [IDS[NOT]] * int(negated[leaf]) + [-1]
        rows.append(symbols)
    return torch.tensor(rows)
