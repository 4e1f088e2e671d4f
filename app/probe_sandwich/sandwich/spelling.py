"""The formula that a Gaussian vector spells: what a generator is taught to write."""

import torch
import torch.nn.functional as F
from torch import Tensor

from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.tasks.logic.vocabulary import AND, IDS, NOT, VARIABLES

_LEAF = -1


def formulas_in_noise(noise: Tensor, config: SandwichConfig) -> Tensor:
    """Conjunctions that Gaussian vectors `(batch, noise_dim)` spell, as symbol ids `(batch, length)`.

    Three parts of the vector say: which assignment most literals agree with; which of a few layouts (where
    leaves and negations stand); and which variable each leaf holds, with a leaning to agree. So they lie
    near the border of satisfiability, as the subjects' own training formulas do.
    """
    layouts = _layouts(config)  # (layouts, length)
    assignment = noise[:, : len(VARIABLES)] > 0  # (batch, variables)
    start = len(VARIABLES)
    layout = layouts[noise[:, start : start + len(layouts)].argmax(dim=1)]  # (batch, length)
    start += len(layouts)
    is_leaf = layout == _LEAF
    negated = F.pad(layout[:, :-1], (1, 0), value=0) == IDS[NOT]
    leaf = (is_leaf.cumsum(dim=1) - 1).clamp(min=0)  # (batch, length): the number of the leaf at or before a place
    leaves = int(leaf.max()) + 1
    wishes = noise[:, start : start + leaves * len(VARIABLES)].view(len(noise), leaves, len(VARIABLES))
    wishes = wishes.gather(1, leaf.unsqueeze(-1).expand(-1, -1, len(VARIABLES)))  # (batch, length, variables)
    agrees = assignment.unsqueeze(1) != negated.unsqueeze(-1)  # (batch, length, variables)
    variable = (wishes + config.leaning * agrees).argmax(dim=-1)  # (batch, length)
    return torch.where(is_leaf, variable, layout)


def noise_needed(config: SandwichConfig) -> int:
    """The least `noise_dim` that `formulas_in_noise` can read."""
    most_leaves = int((_layouts(config) == _LEAF).sum(dim=1).max())
    return len(VARIABLES) * (1 + most_leaves) + config.layouts


def _layouts(config: SandwichConfig) -> Tensor:
    """Symbol ids `(layouts, length)`, `_LEAF` where a variable stands."""
    random = torch.Generator().manual_seed(config.layout_seed)
    length = config.probe_length
    choices = [n for n in range(2, length) if 1 <= length + 1 - 2 * n <= n - 1]
    rows = []
    for index in range(config.layouts):
        leaves = choices[index % len(choices)]
        negated = torch.randperm(leaves, generator=random) < length + 1 - 2 * leaves
        symbols: list[int] = []
        for leaf in range(leaves):
            symbols += [IDS[AND]] * (leaf > 0) + [IDS[NOT]] * int(negated[leaf]) + [_LEAF]
        rows.append(symbols)
    return torch.tensor(rows)
