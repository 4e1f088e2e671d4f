"""What learned questions are worth on tasks that nobody has seen: each task is asked by what others taught."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.figures.auc import areas
from probe_sandwich.evidence.figures.lead import Lead, lead, lead_within_tasks
from probe_sandwich.evidence.universal.methods import trees
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.card import ENOUGH_OF_A_LABEL
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.training.pools import Pool, among
from probe_sandwich.sandwich.training.question_preference import ReadQuestions, fit_preference, question_features
from probe_sandwich.sandwich.training.question_search import AskedQuestions

QUESTIONS = (4, 8, 16, 32)
DRAWS = 6
_SEED = 577
_QUANTILES = (0.0, 0.1, 0.25, 0.5)
_STATISTICS = 4 + len(_QUANTILES)


class ElsewherePoint(BaseModel):
    """So many questions, at random and preferred by layers that saw no subject of the task: tokens, AUC over all tasks
    and the mean within a task, each of one draw, on average; and the leads of the learned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions: int
    random_tokens: float
    learned_tokens: float
    random: float
    learned: float
    lead: Lead | None
    random_within: float
    learned_within: float
    lead_within: Lead | None


class AskingElsewhere(BaseModel):
    """Figures on the tasks that have enough subjects of either label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: list[str]
    subjects: int
    points: list[ElsewherePoint]


@dataclass(frozen=True)
class _Questions:
    """The questions of one pool: what its subjects answered, and how much layers that saw nothing of its task prefer
    each, `(draws, questions)`, with a spread of 1 as the noise has."""

    asked: AskedQuestions
    numbers: NDArray[np.int64]
    preferred: NDArray[np.float64]


@dataclass(frozen=True)
class _ArmScores:
    """P(generalizer), and the tokens that were read for it, `(draws, subjects)` each."""

    scores: NDArray[np.float64]
    tokens: NDArray[np.float64]


def measure_asking_elsewhere(table: Table, pools: Sequence[Pool], config: SandwichConfig) -> AskingElsewhere | None:
    """Every task in turn, asked and read by what was fitted on the others, the reserve left out; None where fewer than
    two tasks have enough subjects of either label. Each draw of noise is asked by layers of a seed of its own."""
    known = ~table.reserve
    judged = [task for task in np.unique(table.tasks).tolist() if _enough(table.labels[known & (table.tasks == task)])]
    if len(judged) < 2:
        return None
    questions = _preferred(table, list(among(pools, torch.from_numpy(np.flatnonzero(known)))), config)
    some = known & np.isin(table.tasks, judged)
    points = []
    for count in QUESTIONS:
        random, learned = (_arm(table, questions, judged, count, by_layers=taught) for taught in (False, True))
        points.append(_point(count, random, learned, table, some, judged))
    return AskingElsewhere(tasks=judged, subjects=int(some.sum()), points=points)


def _enough(labels: NDArray[np.bool_]) -> bool:
    return min(int(labels.sum()), int((~labels).sum())) >= ENOUGH_OF_A_LABEL


def _preferred(table: Table, pools: Sequence[Pool], config: SandwichConfig) -> list[_Questions]:
    tasks = [str(table.tasks[int(pool.numbers[0])]) for pool in pools]
    read = [ReadQuestions.of(pool, config.placements) for pool in pools]
    others = {task: [one for one, own in zip(read, tasks, strict=True) if own != task] for task in tasks}
    taught = {
        task: [fit_preference(some, len(config.placements), draw) for draw in range(DRAWS)]
        for task, some in others.items()
    }
    found = []
    for pool, task in zip(pools, tasks, strict=True):
        asked, features = AskedQuestions.of(pool, config.placements), question_features(pool, config.placements)
        with torch.no_grad():
            preferred = np.stack([layers(features).double().numpy() for layers in taught[task]])
        spread = preferred[:, asked.moves].std(axis=1, keepdims=True)
        found.append(_Questions(asked, pool.numbers.numpy(), np.where(asked.moves, preferred / spread, -np.inf)))
    return found


def _arm(
    table: Table, questions: Sequence[_Questions], judged: Sequence[str], count: int, *, by_layers: bool
) -> _ArmScores:
    scores, tokens = np.full((DRAWS, len(table)), np.nan), np.full((DRAWS, len(table)), np.nan)
    for draw in range(DRAWS):
        rng = np.random.default_rng([_SEED, draw])
        statistics = np.full((len(table), _STATISTICS), np.nan)
        for one in questions:
            noise = np.where(one.asked.moves, rng.standard_normal(len(one.asked.moves)), -np.inf)
            order = np.argsort(-(noise + one.preferred[draw] if by_layers else noise))
            chosen = order[:count].tolist()
            statistics[one.numbers], tokens[draw, one.numbers] = _statistics(one.asked, chosen), one.asked.cost(chosen)
        for task in judged:
            own, others = (np.flatnonzero(~table.reserve & part) for part in (table.tasks == task, table.tasks != task))
            reader = trees(statistics[others], table.labels[others], table.task_weights(others), draw)
            scores[draw, own] = reader(statistics[own])
    return _ArmScores(scores, tokens)


def _statistics(asked: AskedQuestions, questions: Sequence[int]) -> NDArray[np.float64]:
    """What does not depend on which questions they are: how firmly answers are kept, and how much margins at the usual
    places differ from candidate to candidate."""
    kept, margins = asked.kept(questions), asked.margins(questions)
    quantiles = np.quantile(kept, _QUANTILES, axis=1).T
    return np.column_stack([kept.mean(axis=1), kept.std(axis=1), quantiles, margins.std(axis=1), margins.min(axis=1)])


def _point(
    count: int, random: _ArmScores, learned: _ArmScores, table: Table, some: NDArray[np.bool_], judged: Sequence[str]
) -> ElsewherePoint:
    labels, groups, tasks = table.labels[some], table.configurations[some], table.tasks[some]
    parts = [tasks == task for task in judged]
    one, other = learned.scores[:, some], random.scores[:, some]

    def within(scores: NDArray[np.float64]) -> float:
        return float(np.mean([areas(scores[:, part], labels[part]).mean() for part in parts]))

    return ElsewherePoint(
        questions=count,
        random_tokens=float(random.tokens[:, some].mean()),
        learned_tokens=float(learned.tokens[:, some].mean()),
        random=float(areas(other, labels).mean()),
        learned=float(areas(one, labels).mean()),
        lead=lead(one, other, labels, groups),
        random_within=within(other),
        learned_within=within(one),
        lead_within=lead_within_tasks(one, other, labels, groups, parts),
    )
