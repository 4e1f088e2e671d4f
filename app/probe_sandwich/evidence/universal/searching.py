"""What questions that are searched for are worth, at so many tokens: which input, and at which place."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import areas
from probe_sandwich.evidence.figures.lead import Lead, lead
from probe_sandwich.evidence.universal.direct import DirectPoint, direct_draws, direct_point
from probe_sandwich.evidence.universal.methods import trees
from probe_sandwich.evidence.universal.settings import THRESHOLD
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.sandwich.training.question_search import AskedQuestions, search_questions
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.zoo.shards import IndexRow

BUDGETS = (182, 364, 728, 1000, 1456)
"""Tokens."""
DRAWS = 10
SHOWN = 6
_SEED = 377
_SURE = (0.8, 0.9, 0.95)
_LEAST_LEAF = 3
_QUANTILES = 9

Folds = Sequence[NDArray[np.bool_]]
ByBudget = dict[int, NDArray[np.float64]]
"""P(generalizer) by budget, `(draws, subjects)` each."""


class QuestionsPoint(BaseModel):
    """A budget of tokens: how many questions it has room for, the tokens that they take, and AUC over noise draws, its
    mean, standard deviation and least; `accuracy` is the share that P tells rightly, from 0.5 on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: int
    questions: float
    tokens: float
    auc: float
    spread: float
    least: float
    accuracy: float


class AskingOn(BaseModel):
    """Asking the next larger set only where P is not yet as sure as this: mean tokens, AUC and accuracy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sure: float
    tokens: float
    auc: float
    accuracy: float


class ShownProbe(BaseModel):
    """A probe that is asked often: in which share of the sets, the placement that is looked at, and the mean agreement
    of generalizers and others there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    share: float
    placement: str
    generalizers: float
    others: float


class LaterPoint(BaseModel):
    """The same questions and readers on the reserve, which neither the search nor its settings saw: mean AUC of random
    and of searched ones, and the lead of the searched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: int
    random: float
    searched: float
    lead: Lead | None


class Searching(BaseModel):
    """Single questions at random and searched ones, out of fold, with the lead of the searched by budget; a direct test
    of as many tokens, with their lead over it; how often each placement is among the searched, by its name, and those
    that are found most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    random: list[QuestionsPoint]
    searched: list[QuestionsPoint]
    direct: list[DirectPoint]
    leads: dict[int, Lead | None]
    direct_leads: dict[int, Lead | None]
    asking_on: list[AskingOn]
    placements: dict[str, float]
    shown: list[ShownProbe]
    reserve: int
    later: list[LaterPoint]


def measure_searching(
    pool: Pool, rows: Sequence[IndexRow], later: Pool | None, config: SandwichConfig, folds: Folds
) -> Searching:
    """Both arms on a pool whose index rows are `rows`, cross-validated by `folds (subjects,)` each, and on a `later`
    pool of the same task and T."""
    asked, labels = AskedQuestions.of(pool, config.placements), pool.labels.numpy() == 1
    groups = pool.groups.numpy()
    arms = {name: _QuestionArm(name == "searched", asked, labels) for name in ("random", "searched")}
    judged = {name: arm.judged(folds) for name, arm in arms.items()}
    points = {name: [_point(budget, one, labels) for budget in BUDGETS] for name, one in judged.items()}
    searched = judged["searched"]
    return Searching(
        random=points["random"],
        searched=points["searched"],
        direct=[direct_point(rows, labels, point.tokens) for point in points["searched"]],
        leads={
            budget: lead(searched.scores[budget], judged["random"].scores[budget], labels, groups) for budget in BUDGETS
        },
        direct_leads={
            point.budget: lead(searched.scores[point.budget], direct_draws(rows, point.tokens, DRAWS), labels, groups)
            for point in points["searched"]
        },
        asking_on=[_asking_on(searched, labels, sure) for sure in _SURE],
        placements=_shares(asked, config, searched.sets),
        shown=_shown(asked, pool, config, alphabet_of(rows[0].config.task), searched.sets),
        reserve=0 if later is None else len(later.labels),
        later=[] if later is None or later.labels.unique().numel() == 1 else _later(arms, later, config),
    )


@dataclass(frozen=True)
class _Judged:
    """An arm's scores, the tokens of each draw's sets `(budgets, draws)`, means over the folds, and its largest sets,
    one a draw and fold."""

    scores: ByBudget
    questions: NDArray[np.float64]
    tokens: NDArray[np.float64]
    sets: list[list[int]]


@dataclass(frozen=True)
class _QuestionArm:
    """How questions are chosen from noise: at random they are asked in the order of their noise, one number a question;
    a search chooses among those whose noise is positive."""

    searches: bool
    asked: AskedQuestions
    labels: NDArray[np.bool_]

    def judged(self, folds: Folds) -> _Judged:
        """Every draw out of fold."""
        scores = {budget: np.zeros((DRAWS, len(self.labels))) for budget in BUDGETS}
        counts, tokens = np.zeros((2, len(BUDGETS), DRAWS))
        sets = []
        for draw, noise in enumerate(self._noise()):
            for fold in folds:
                seen, judged = self.asked.select(~fold), self.asked.select(fold)
                sets.append(questions := self._questions(noise, seen, self.labels[~fold]))
                for number, budget in enumerate(BUDGETS):
                    some = self.asked.within(questions, budget)
                    scores[budget][draw, fold] = _read(some, seen, self.labels[~fold], judged)
                    counts[number, draw] += len(some) / len(folds)
                    tokens[number, draw] += self.asked.cost(some) / len(folds)
        return _Judged(scores, counts, tokens, sets)

    def of_others(self, others: AskedQuestions) -> ByBudget:
        """What every draw says of other subjects, having seen all of its own."""
        scores = {budget: np.zeros((DRAWS, len(others.support))) for budget in BUDGETS}
        for draw, noise in enumerate(self._noise()):
            questions = self._questions(noise, self.asked, self.labels)
            for budget in BUDGETS:
                scores[budget][draw] = _read(self.asked.within(questions, budget), self.asked, self.labels, others)
        return scores

    def _noise(self) -> Iterator[NDArray[np.float64]]:
        rng = np.random.default_rng(_SEED)
        for _ in range(DRAWS):
            yield rng.standard_normal((self.asked.support.shape[1],))

    def _questions(self, noise: NDArray[np.float64], seen: AskedQuestions, labels: NDArray[np.bool_]) -> list[int]:
        if self.searches:
            proposed = np.flatnonzero((noise > 0) & self.asked.moves).tolist()
            return search_questions(seen, labels, proposed, max(BUDGETS))
        in_order: list[int] = np.argsort(-np.where(self.asked.moves, noise, -np.inf))[: max(BUDGETS)].tolist()
        return self.asked.within(in_order, max(BUDGETS))


def _read(
    questions: Sequence[int], seen: AskedQuestions, labels: NDArray[np.bool_], judged: AskedQuestions
) -> NDArray[np.float64]:
    """P(generalizer) of the judged, by trees on what the seen, with these labels, answer to the very questions."""
    reader = trees(_statistics(seen, questions), labels, None, 0, _LEAST_LEAF)
    return reader(_statistics(judged, questions))


def _statistics(asked: AskedQuestions, questions: Sequence[int]) -> NDArray[np.float64]:
    """How firmly each answer is kept, and over all of them quantiles, mean and spread; and how much margins at the
    usual places differ from candidate to candidate."""
    kept = asked.kept(questions)
    quantiles = np.quantile(kept, np.linspace(0, 1, _QUANTILES), axis=1).T
    unlike = asked.margins(questions).std(axis=1)
    return np.column_stack([kept, quantiles, kept.mean(axis=1), kept.std(axis=1), unlike])


def _point(budget: int, judged: _Judged, labels: NDArray[np.bool_]) -> QuestionsPoint:
    found, number = areas(judged.scores[budget], labels), BUDGETS.index(budget)
    return QuestionsPoint(
        budget=budget,
        questions=float(judged.questions[number].mean()),
        tokens=float(judged.tokens[number].mean()),
        auc=float(found.mean()),
        spread=float(found.std()),
        least=float(found.min()),
        accuracy=_accuracy(judged.scores[budget], labels),
    )


def _asking_on(judged: _Judged, labels: NDArray[np.bool_], sure: float) -> AskingOn:
    """Of each subject, what the smallest set says that is sure of it, or the largest set."""
    said = np.stack([judged.scores[budget] for budget in BUDGETS])  # (budgets, draws, subjects)
    is_sure = np.maximum(said, 1 - said) >= sure
    is_sure[-1] = True
    stops = is_sure.argmax(axis=0)  # (draws, subjects)
    last = np.take_along_axis(said, stops[None], axis=0)[0]
    tokens = np.take_along_axis(judged.tokens, stops.reshape(DRAWS, -1).T, axis=0)  # (subjects, draws)
    return AskingOn(
        sure=sure,
        tokens=float(tokens.mean()),
        auc=float(areas(last, labels).mean()),
        accuracy=_accuracy(last, labels),
    )


def _accuracy(said: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    return float(((said >= THRESHOLD) == labels).mean())


def _shares(asked: AskedQuestions, config: SandwichConfig, sets: Sequence[Sequence[int]]) -> dict[str, float]:
    places = [asked.parts(question)[0] for questions in sets for question in questions]
    counts = np.bincount(places, minlength=len(config.placements)) / len(places)
    return {placement.name: float(share) for placement, share in zip(config.placements, counts, strict=True)}


def _shown(
    asked: AskedQuestions, pool: Pool, config: SandwichConfig, alphabet: Sequence[str], sets: Sequence[Sequence[int]]
) -> list[ShownProbe]:
    agreement = pool.agreement()  # (subjects, placements, candidates)
    generalizers, others = (agreement[pool.labels == label].mean(dim=0) for label in (1, 0))
    found = []
    for question, count in Counter(question for questions in sets for question in questions).most_common(SHOWN):
        placement, candidate = asked.parts(question)
        found.append(
            ShownProbe(
                text="".join(pool.candidates.text(candidate, alphabet)),
                share=count / len(sets),
                placement=config.placements[placement].name,
                generalizers=float(generalizers[placement, candidate]),
                others=float(others[placement, candidate]),
            )
        )
    return found


def _later(arms: dict[str, _QuestionArm], later: Pool, config: SandwichConfig) -> list[LaterPoint]:
    others, labels = AskedQuestions.of(later, config.placements), later.labels.numpy() == 1
    groups = later.groups.numpy()
    random, searched = (arms[name].of_others(others) for name in ("random", "searched"))
    return [
        LaterPoint(
            budget=budget,
            random=float(areas(random[budget], labels).mean()),
            searched=float(areas(searched[budget], labels).mean()),
            lead=lead(searched[budget], random[budget], labels, groups),
        )
        for budget in BUDGETS
    ]
