"""Teaching a selector what to ask, by what the frozen subjects' answers tell.

The subjects' answers to all candidates are recorded once. As a probe is one of them, what backpropagation through the
subjects would say of another choice stands in the recorded answers, and no subject runs again; the choice itself has
the gradient of a soft one.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.sandwich.training.pools import Pool

_SELECTOR_RATE, _READER_RATE = 1e-2, 1e-1
_TEMPERATURE = 0.5
"""Of the soft choice while it is taught: at the temperature in use hardly any gradient comes through."""
_MEAN_WEIGHT, _BIAS = 5.0, -3.0
"""Where the reader begins: a subject that agrees with itself at all placements is taken for a generalizer."""


class AgreementReader(nn.Module):
    """Agreement averaged over a set of probes, `(..., placements)` -> logit of generalizing: one weight a placement."""

    def __init__(self, placements: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((placements,), _MEAN_WEIGHT / placements))
        self.bias = nn.Parameter(torch.tensor(_BIAS))

    def forward(self, agreement: Tensor) -> Tensor:
        return agreement @ self.weight + self.bias


def fit_selector(config: SandwichConfig, training: SandwichTraining, pools: Sequence[Pool], seed: int) -> Selector:
    """A selector whose `training.selector_probes` probes let a plain reader tell the subjects of the pools apart: each
    step on new noise, and on one pool, drawn by how many subjects it has."""
    random = torch.Generator().manual_seed(seed)
    taught = config.model_copy(update={"temperature": _TEMPERATURE})
    agreement = [pool.agreement() for pool in pools]
    share = torch.tensor([float(len(pool.labels)) for pool in pools])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        selector, reader = Selector(taught), AgreementReader(len(config.placements))
        optimizer = torch.optim.Adam(
            [
                {"params": selector.parameters(), "lr": _SELECTOR_RATE},
                {"params": reader.parameters(), "lr": _READER_RATE},
            ]
        )
        for _ in range(training.selector_steps):
            number = int(share.multinomial(1, generator=random))
            noise = torch.randn(2, training.selector_probes, config.noise_dim, generator=random)
            weights = selector.weights(noise, pools[number].candidates)  # (draws, probes, candidates)
            loss = selection_loss(reader, weights, agreement[number], pools[number].labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    selector.config = config
    return selector.eval()


def selection_loss(reader: AgreementReader, weights: Tensor, agreement: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of what the reader says of subjects with `labels (subjects,)` and `agreement (subjects, placements,
    candidates)`, asked by choices `weights (draws, probes, candidates)`."""
    answered = torch.einsum("spc,dc->dsp", agreement, weights.mean(dim=1))  # (draws, subjects, placements)
    logits: Tensor = reader(answered)
    return F.binary_cross_entropy_with_logits(logits, labels.expand_as(logits))
