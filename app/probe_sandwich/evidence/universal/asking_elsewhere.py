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
from probe_sandwich.sandwich.training.pools import Pool
from probe_sandwich.sandwich.training.question_preference import fit_preference, question_features
from probe_sandwich.sandwich.training.question_search import AskedQuestions

QUESTIONS = (4, 8, 16, 32)
DRAWS = 6
_SEED = 577
_QUANTILES = (0.0, 0.1, 0.25, 0.5)

Arm = NDArray[np.float64]
"""P(generalizer), `(draws, subjects)`."""


class ElsewherePoint(BaseModel):
    """So many questions, at random and preferred by layers that saw no subject of the task: AUC over all tasks and the
    mean within a task, each of one draw, on average; and the leads of the learned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions: int
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
    each, `(questions,)`, with a spread of 1 as the noise has."""

    asked: AskedQuestions
    numbers: NDArray[np.int64]
    preferred: NDArray[np.float64]


def measure_asking_elsewhere(table: Table, pools: Sequence[Pool], config: SandwichConfig) -> AskingElsewhere | None:
    """Every task in turn, asked and read by what was fitted on the others; None where fewer than two tasks have enough
    subjects of either label."""
    judged = [task for task in np.unique(table.tasks).tolist() if _enough(table.labels[table.tasks == task])]
    if len(judged) < 2:
        return None
    questions = _preferred(table, pools, config)
    some = np.isin(table.tasks, judged)
    points = []
    for count in QUESTIONS:
        arms = [_arm(table, questions, judged, count, learned)[:, some] for learned in (False, True)]
        points.append(_point(count, arms[0], arms[1], table, some, judged))
    return AskingElsewhere(tasks=judged, subjects=int(some.sum()), points=points)


def _enough(labels: NDArray[np.bool_]) -> bool:
    return min(int(labels.sum()), int((~labels).sum())) >= ENOUGH_OF_A_LABEL


def _preferred(table: Table, pools: Sequence[Pool], config: SandwichConfig) -> list[_Questions]:
    tasks = [str(table.tasks[int(pool.numbers[0])]) for pool in pools]
    taught = {
        task: fit_preference(
            [pool for pool, own in zip(pools, tasks, strict=True) if own != task], config.placements, 0
        )
        for task in set(tasks)
    }
    found = []
    for pool, task in zip(pools, tasks, strict=True):
        with torch.no_grad():
            preferred = taught[task](question_features(pool, config.placements)).double().numpy()
        found.append(_Questions(AskedQuestions.of(pool), pool.numbers.numpy(), preferred / preferred.std()))
    return found


def _arm(table: Table, questions: Sequence[_Questions], judged: Sequence[str], count: int, learned: bool) -> Arm:
    scores = np.full((DRAWS, len(table)), np.nan)
    for draw in range(DRAWS):
        rng = np.random.default_rng([_SEED, draw])
        statistics = np.zeros((len(table), _width()))
        for one in questions:
            noise = rng.standard_normal(len(one.preferred))
            order = np.argsort(-(noise + one.preferred if learned else noise))
            statistics[one.numbers] = _statistics(one.asked, order[:count].tolist())
        for task in judged:
            own = table.tasks == task
            others = np.flatnonzero(~own)
            reader = trees(statistics[others], table.labels[others], table.task_weights(others), draw)
            scores[draw, own] = reader(statistics[own])
    return scores


def _statistics(asked: AskedQuestions, questions: Sequence[int]) -> NDArray[np.float64]:
    """What does not depend on which questions they are: how firmly answers are kept, and how much margins at the usual
    places differ from candidate to candidate."""
    kept = asked.kept(questions)
    margins = asked.margin[:, asked.candidates(questions)]
    unit = margins.mean(axis=1)
    return np.column_stack(
        [
            kept.mean(axis=1),
            kept.std(axis=1),
            np.quantile(kept, _QUANTILES, axis=1).T,
            margins.std(axis=1) / unit,
            margins.min(axis=1) / unit,
        ]
    )


def _width() -> int:
    return 4 + len(_QUANTILES)


def _point(
    count: int, random: Arm, learned: Arm, table: Table, some: NDArray[np.bool_], judged: Sequence[str]
) -> ElsewherePoint:
    labels, groups, tasks = table.labels[some], table.configurations[some], table.tasks[some]
    parts = [tasks == task for task in judged]

    def within(arm: Arm) -> float:
        return float(np.mean([areas(arm[:, part], labels[part]).mean() for part in parts]))

    return ElsewherePoint(
        questions=count,
        random=float(areas(random, labels).mean()),
        learned=float(areas(learned, labels).mean()),
        lead=lead(learned, random, labels, groups),
        random_within=within(random),
        learned_within=within(learned),
        lead_within=lead_within_tasks(learned, random, labels, groups, parts),
    )
