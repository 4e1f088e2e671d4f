"""Published schemes that probe a frozen model with learned inputs, trained through the same subjects."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probe_sandwich.evidence.experiment.methods import MNTD, PROBEGEN
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS
from probe_sandwich.zoo.cohorts import Cohort, among, in_chunks, shuffled_chunks

SYMBOLS = len(FORMULA_SYMBOLS)
PROBES = {PROBEGEN: 64, MNTD: 10}
"""Learned inputs of each scheme, as published."""
_EPOCHS, _PATIENCE, _SUBJECTS_PER_STEP, _VALIDATION_SHARE = 30, 6, 32, 0.2


class Codes(nn.Module):
    """Learned codes and a deep linear generator (ProbeGen: Kahana et al. 2024, arXiv 2410.10811).

    A softmax over symbols stands between generator and subject, as subjects share no space of vectors (so Herrmann et
    al. 2024 for token inputs).
    """

    def __init__(self, probes: int, length: int, code: int = 32, hidden: int = 256) -> None:
        super().__init__()
        self.length = length
        self.codes = nn.Parameter(torch.randn(probes, code))
        self.generator = nn.Sequential(
            nn.Linear(code, hidden, bias=False),
            nn.Linear(hidden, hidden, bias=False),
            nn.Linear(hidden, length * SYMBOLS, bias=False),
        )

    def forward(self, subjects: Subjects) -> Tensor:
        """Inputs `(models, probes, 1 + length, d_model)`."""
        scores = self.generator(self.codes).view(-1, self.length, SYMBOLS)
        return subjects.embed_distribution(scores.softmax(dim=-1))


class Queries(nn.Module):
    """Learned queries in the space of embeddings (MNTD: Xu et al. 2019, arXiv 1910.03137): one set for each width, as
    widths share no space."""

    def __init__(self, queries: int, length: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.queries = nn.ParameterDict({str(width): torch.randn(queries, length, width) / 2 for width in widths})

    def forward(self, subjects: Subjects) -> Tensor:
        """Inputs `(models, queries, 1 + length, d_model)`."""
        count = len(next(iter(self.queries.values())))
        begin = subjects.embed_distribution(torch.zeros(count, 0, SYMBOLS, device=subjects.device))
        queries = self.queries[str(begin.shape[-1])].unsqueeze(0).expand(len(subjects), -1, -1, -1)
        return torch.cat([begin, queries], dim=2)


class Rival(nn.Module):
    """Learned inputs -> frozen subjects at their usual places -> class logits -> MLP -> one logit a subject."""

    def __init__(self, inputs: nn.Module, probes: int, hidden: int, learning_rate: float) -> None:
        super().__init__()
        self.inputs = inputs
        self.layers = nn.Sequential(nn.Linear(probes, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.probes, self.learning_rate = probes, learning_rate

    def forward(self, subjects: Subjects) -> Tensor:
        """Logits `(models,)`."""
        vectors = self.inputs(subjects)
        mask = torch.ones(vectors.shape[1:3], dtype=torch.bool, device=vectors.device)
        logits = subjects.forward(vectors, mask).logits
        # Squashed, as logits of converged subjects are large.
        found: Tensor = self.layers(torch.asinh(logits[..., 1] - logits[..., 0]))
        return found[:, 0]


def probegen(length: int, widths: Sequence[int]) -> Rival:
    """Numbers of probes and learning rate as published."""
    return Rival(Codes(PROBES[PROBEGEN], length), probes=PROBES[PROBEGEN], hidden=64, learning_rate=3e-4)


def mntd(length: int, widths: Sequence[int]) -> Rival:
    """Numbers of queries and learning rate as published."""
    return Rival(Queries(PROBES[MNTD], length, widths), probes=PROBES[MNTD], hidden=20, learning_rate=1e-3)


RIVALS: dict[str, Callable[[int, Sequence[int]], Rival]] = {PROBEGEN: probegen, MNTD: mntd}
"""Published schemes by name, given the longest input and the widths of the subjects."""


def train_rival(rival: Rival, cohorts: Sequence[Cohort], seed: int) -> tuple[Rival, list[Cohort]]:
    """The epoch of the lowest loss on a fifth of the configurations, and those subjects, to calibrate on."""
    order = np.random.default_rng(seed)
    groups = order.permutation(np.unique(np.concatenate([cohort.groups.numpy() for cohort in cohorts])))
    validation_groups = groups[: max(1, round(_VALIDATION_SHARE * len(groups)))]
    held_out: set[int] = set()
    numbers: set[int] = set()
    for cohort in cohorts:
        numbers |= set(cohort.numbers.tolist())
        held_out |= set(cohort.numbers[torch.isin(cohort.groups, torch.from_numpy(validation_groups))].tolist())
    train, validation = among(cohorts, numbers - held_out), among(cohorts, held_out)
    optimizer = torch.optim.Adam(rival.parameters(), lr=rival.learning_rate)
    lowest, best, since = float("inf"), copy.deepcopy(rival.state_dict()), 0
    for _ in range(_EPOCHS):
        _epoch(rival, train, optimizer, order)
        with torch.no_grad():
            logits, labels = read_rival(rival, validation), torch.cat([cohort.labels for cohort in validation])
        loss = float(F.binary_cross_entropy_with_logits(logits, labels))
        since += 1
        if loss < lowest:
            lowest, best, since = loss, copy.deepcopy(rival.state_dict()), 0
        if since >= _PATIENCE:
            break
    rival.load_state_dict(best)
    return rival, validation


def read_rival(rival: Rival, cohorts: Sequence[Cohort]) -> Tensor:
    """Logits `(subjects,)` of all cohorts, one after the other."""
    with torch.no_grad():
        return torch.cat([rival(chunk.subjects).cpu() for chunk in in_chunks(cohorts)])


def _epoch(
    rival: Rival, cohorts: Sequence[Cohort], optimizer: torch.optim.Optimizer, order: np.random.Generator
) -> None:
    chunks = shuffled_chunks(cohorts, order)
    pending = 0
    for number, chunk in enumerate(chunks, 1):
        logits = rival(chunk.subjects)
        loss = F.binary_cross_entropy_with_logits(logits, chunk.labels.to(logits.device), reduction="sum")
        (loss / _SUBJECTS_PER_STEP).backward()
        pending += len(chunk.subjects)
        if pending >= _SUBJECTS_PER_STEP or number == len(chunks):
            optimizer.step()
            optimizer.zero_grad()
            pending = 0
