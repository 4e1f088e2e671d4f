"""Teaching what to ask of subjects of tasks that nobody has seen: layers that prefer questions by what they are like.

A question is one candidate at one placement (`question_search`). The layers read nothing of its symbols but how they
repeat, and where it is placed; so what they have learned on some tasks can be asked on another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probe_sandwich.sandwich.placements import Placement
from probe_sandwich.sandwich.structure import STRUCTURE
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.sandwich.training.question_search import AskedQuestions

_HIDDEN = 32
_STEPS = 400
_RATE, _DECAY = 3e-3, 1e-4
_SHARPNESS = 2.0
"""Of the soft choice among questions while it is taught."""
_FIRST_SCALE = 1.5
_LEAST_OF_A_LABEL = 2


class QuestionPreference(nn.Module):
    """Features `(questions, features)` -> how much each is preferred, `(questions,)`, noise apart."""

    def __init__(self, placements: int) -> None:
        super().__init__()
        features = len(STRUCTURE) + 1 + placements
        self.layers = nn.Sequential(nn.Linear(features, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, 1))

    def forward(self, features: Tensor) -> Tensor:
        preferred: Tensor = self.layers(features)[:, 0]
        return preferred


def question_features(pool: Pool, placements: Sequence[Placement]) -> Tensor:
    """Of every question its candidate's structure, against the other candidates', and length in multiples of T, and
    which of the placements it is, `(questions, features)`."""
    structure = pool.candidates.structure
    standard = (structure - structure.mean(dim=0)) / structure.std(dim=0, correction=0).clamp(min=1e-6)
    of_candidates = torch.cat([standard, pool.shares.unsqueeze(1)], dim=1).repeat(len(placements), 1)
    return torch.cat([of_candidates, torch.eye(len(placements)).repeat_interleave(len(structure), dim=0)], dim=1)


@dataclass(frozen=True)
class ReadQuestions:
    """What teaching reads of a pool, of the questions that move: their `features (questions, features)`, how firmly
    answers to them are `kept (subjects, questions)`, and which subjects generalize, `labels (subjects,)`."""

    features: Tensor
    kept: Tensor
    labels: Tensor

    @staticmethod
    def of(pool: Pool, placements: Sequence[Placement]) -> "ReadQuestions":
        """Read once, however many layers are taught by it."""
        asked = AskedQuestions.of(pool, placements)
        moving = np.flatnonzero(asked.moves)
        kept = torch.from_numpy(asked.kept(moving.tolist())).float()
        return ReadQuestions(question_features(pool, placements)[moving], kept, pool.labels == 1)

    @property
    def rarer(self) -> int:
        """How many subjects the label has that fewer have."""
        generalizers = int(self.labels.sum())
        return min(generalizers, len(self.labels) - generalizers)


def fit_preference(read: Sequence[ReadQuestions], placements: int, seed: int) -> QuestionPreference:
    """Layers whose preferred questions generalizers keep their answers to more firmly than the others of their pool do,
    by gradient descent through what the frozen subjects answered: each step on new noise, and on one pool, drawn by the
    root of how many subjects its rarer label has."""
    random = torch.Generator().manual_seed(seed)
    usable = [one for one in read if one.rarer >= _LEAST_OF_A_LABEL]
    share = torch.tensor([float(one.rarer) for one in usable]).sqrt()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        preference, scale = QuestionPreference(placements), nn.Parameter(torch.tensor(_FIRST_SCALE))
        optimizer = torch.optim.Adam([*preference.parameters(), scale], lr=_RATE, weight_decay=_DECAY)
        for _ in range(_STEPS):
            one = usable[int(share.multinomial(1, generator=random))]
            noise = torch.randn(len(one.features), generator=random)
            weights = (_SHARPNESS * (preference(one.features) + noise)).softmax(dim=0)
            answered = one.kept @ weights  # (subjects,)
            ahead = answered[one.labels].unsqueeze(1) - answered[~one.labels]  # (generalizers, others)
            loss = F.softplus(-ahead * scale.exp()).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return preference.eval()
