"""Searching for questions that together tell generalizers from others: a question is one candidate at one placement.

Where every probe is asked at every placement, most of what is read repeats what was known. Searched for one at a time,
each for what it tells beside the others, few questions say as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.sandwich.answers import ANSWER_CHANNELS, answer_channels
from probe_sandwich.sandwich.placements import Placement
from probe_sandwich.sandwich.training.pools import Pool

_STRENGTH = 0.1
"""Inverse strength of the penalty on the weights of standardized answers: they are many, and go together."""
_LEAST_SPREAD = 0.05
_NEWTON_STEPS = 3
_TINY, _ROUNDING = 1e-9, 1e-6


@dataclass(frozen=True)
class AskedQuestions:
    """Subjects' answers to every candidate at every placement but the usual one: `support (subjects, questions)`, the
    lead of the answer given at the usual places, and `margin (subjects, candidates)` there, both in a unit of each
    subject's own; `tokens (candidates,)` that a candidate takes at one place; and `moves (questions,)`, whether it
    has room to stand elsewhere than at the usual places. Questions count through the candidates, one placement after
    another."""

    support: NDArray[np.float64]
    margin: NDArray[np.float64]
    tokens: NDArray[np.int64]
    moves: NDArray[np.bool_]

    @staticmethod
    def of(pool: Pool, placements: Sequence[Placement]) -> "AskedQuestions":
        """What a pool has recorded at the placements; the begin symbol counts as a token."""
        # (subjects, placements, candidates, channels)
        channels = answer_channels(pool.logits.float().unsqueeze(1), pool.shares.unsqueeze(0))[:, 0].double()
        return AskedQuestions(
            channels[:, 1:, :, ANSWER_CHANNELS.index("support")].flatten(1).numpy(),
            channels[:, 0, :, ANSWER_CHANNELS.index("margin")].numpy(),
            (pool.candidates.lengths + 1).numpy(),
            # As long as the placement reaches, a candidate has no room to move in.
            np.concatenate([pool.shares.numpy() < place.reach - _ROUNDING for place in placements]),
        )

    def select(self, rows: NDArray[np.bool_]) -> "AskedQuestions":
        """Some of the subjects."""
        return replace(self, support=self.support[rows], margin=self.margin[rows])

    def parts(self, question: int) -> tuple[int, int]:
        """Its placement, a number among a config's, and its candidate."""
        return divmod(question, len(self.tokens))

    def candidates(self, questions: Sequence[int]) -> list[int]:
        """The different candidates that are asked."""
        return sorted({self.parts(question)[1] for question in questions})

    def cost(self, questions: Sequence[int]) -> int:
        """Tokens that questions take: each candidate at its usual places once, and once more in every question."""
        asked = [self.parts(question)[1] for question in questions]
        return int(self.tokens[asked].sum() + self.tokens[self.candidates(questions)].sum())

    def within(self, questions: Sequence[int], budget: int) -> list[int]:
        """The first of them, as many as the budget of tokens has room for."""
        costs = [self.cost(questions[: count + 1]) for count in range(len(questions))]
        return list(questions[: int(np.searchsorted(costs, budget, side="right"))])

    def kept(self, questions: Sequence[int]) -> NDArray[np.float64]:
        """How firmly answers are kept, `(subjects, questions)` from -1 to 1: their support in units of the mean margin
        on the candidates that are asked."""
        firmly: NDArray[np.float64] = np.tanh(self.support[:, list(questions)] / self._unit(questions))
        return firmly

    def margins(self, questions: Sequence[int]) -> NDArray[np.float64]:
        """Margins at the usual places on the candidates that are asked, in the same unit, `(subjects, candidates)`."""
        margins: NDArray[np.float64] = self.margin[:, self.candidates(questions)] / self._unit(questions)
        return margins

    def _unit(self, questions: Sequence[int]) -> NDArray[np.float64]:
        unit: NDArray[np.float64] = self.margin[:, self.candidates(questions)].mean(axis=1, keepdims=True)
        return unit.clip(min=_TINY)


def search_questions(
    asked: AskedQuestions, labels: NDArray[np.bool_], proposed: Sequence[int], budget: int
) -> list[int]:
    """Questions among those `proposed`, in the order in which they are found, up to a budget of tokens, or until none
    tells more. `labels` are of both kinds.

    Orthogonal matching pursuit for the logistic loss (Lozano, Swirszcz and Abe 2011, AISTATS): the next question is
    the one along which the loss falls fastest, for the root of the tokens that it adds; then all weights are fitted
    anew. A question counts where the loss falls as generalizers keep their answers more firmly than others.
    """
    pool = np.array(proposed, np.int64)
    standard = _standardized(asked.kept(proposed))  # (subjects, proposed)
    tokens = asked.tokens[pool % len(asked.tokens)]
    found: list[int] = []
    weights = np.array([np.log(labels.mean() / (1 - labels.mean()))])
    said = np.full(len(labels), labels.mean())
    spent = 0
    while True:
        known = np.isin(pool % len(asked.tokens), asked.candidates(pool[found].tolist()))
        extra = np.where(known, 1, 2) * tokens
        fits = spent + extra <= budget
        fits[found] = False
        slope = np.where(fits, (labels - said) @ standard / np.sqrt(extra), 0)
        if slope.max(initial=0) <= 0:
            return [int(pool[place]) for place in found]
        best = int(slope.argmax())
        found.append(best)
        spent += int(extra[best])
        weights = _refitted(standard[:, found], labels, np.insert(weights, -1, 0.0))
        said = _probability(standard[:, found], weights)


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    standard: NDArray[np.float64] = (values - values.mean(axis=0)) / (values.std(axis=0) + _LEAST_SPREAD)
    return standard


def _refitted(x: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Penalized logistic regression from where its weights stood, the last of them the intercept: a few steps of
    Newton's, as each question changes little."""
    design = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], 1 / _STRENGTH), 0)
    for _ in range(_NEWTON_STEPS):
        said = _probability(x, weights)
        gradient = design.T @ (labels - said) - penalty * weights
        curvature = design.T @ (design * (said * (1 - said))[:, None]) + np.diag(penalty + _TINY)
        weights = weights + np.linalg.solve(curvature, gradient)
    return weights


def _probability(x: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    score = x @ weights[:-1] + weights[-1]
    said: NDArray[np.float64] = 1 / (1 + np.exp(-score))
    return said
