"""Every kind of subject, judged by what was fitted without it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.evidence.figures.lead import Compared, Lead, lead_over_kinds
from probe_sandwich.evidence.universal.confidence import answered_by_others, confidence, least_confidence
from probe_sandwich.evidence.universal.ensemble import ensemble_probability
from probe_sandwich.evidence.universal.figures import (
    AnsweredShare,
    Facts,
    KindFigures,
    LearningPoint,
    UniversalEvidence,
    answered_by_task,
    measure_kind,
)
from probe_sandwich.evidence.universal.foreign import FOREIGN, Foreign
from probe_sandwich.evidence.universal.learning import learning_curve
from probe_sandwich.evidence.universal.methods import BARE, METHODS, SANDWICH, Rivals
from probe_sandwich.evidence.universal.part import (
    JudgedSplit,
    Part,
    by_configuration,
    length_left_out,
    size_left_out,
    task_left_out,
)
from probe_sandwich.evidence.universal.records import KindRecords
from probe_sandwich.evidence.universal.settings import THRESHOLD, TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.evidence.universal.workers import RunOfJobs
from probe_sandwich.sandwich.card import record_for
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.zoo.info import CUTS

UNSEEN, TASK, LENGTH, SIZE = "unseen configurations", "task left out", "T left out", "size left out"
RESERVE, CONJUNCTIONS = "reserve", "unseen configurations, conjunction of T = 12"
_FIRST_TASK, _FIRST_LENGTH = "conjunction", 12
_CUT_ANEW = (UNSEEN, CONJUNCTIONS, TASK, RESERVE)
StageProgress = Callable[[str], None]
Scores = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class JudgedKind:
    """The subjects that one kind judges, by their places in the table; which of them are like those that were trained
    on; and each method's scores of them, `(judged,)` each."""

    test: Part
    alike: NDArray[np.bool_]
    scores: Scores


@dataclass(frozen=True)
class Evaluation:
    """The figures, and the judged subjects of each kind for whoever writes the tables of predictions."""

    evidence: UniversalEvidence
    judged: dict[str, JudgedKind]


def evaluate_universal(
    run: RunOfJobs,
    rivals: Rivals,
    members: Sequence[Member],
    foreign: Foreign | None = None,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
    progress: StageProgress = lambda stage: None,
) -> Evaluation:
    """Every kind of split, judged by what was fitted without what it leaves out; and the whole ensemble on the reserve,
    which none of its members saw, and on the foreign test set. `run` reads the same rivals."""
    table = rivals.table
    splits = {
        UNSEEN: by_configuration(table, training.folds, training.seed),
        TASK: task_left_out(table),
        LENGTH: length_left_out(table),
        SIZE: size_left_out(table),
    }
    judged = _judge_all(run, rivals, {kind: some for kind, some in splits.items() if some}, config, training, progress)
    if table.reserve.any():
        progress(RESERVE)
        judged[RESERVE] = _judge_reserve(rivals, members, config, training)
    judged = {UNSEEN: judged[UNSEEN]} | _first_conjunctions(table, judged[UNSEEN]) | judged
    figures = {kind: _figures(table, kind, one) for kind, one in judged.items()}
    least = _least_confidence(table, judged[TASK]) if TASK in judged else None
    sure = _sure_by_task(table, judged[UNSEEN], least)
    elsewhere = [
        (facts_of(table, one.test), one.scores) for kind, one in judged.items() if kind in (LENGTH, SIZE, TASK)
    ]
    if foreign is not None:
        progress(FOREIGN)
        records = KindRecords.of(figures[UNSEEN], sure, figures.get(TASK), least)
        scores = foreign.scores(rivals, members)
        figures[FOREIGN] = _foreign_figures(foreign, scores, rivals, records)
        elsewhere.append((_apart_from(table, foreign.facts), scores))
    progress("learning curve")
    return Evaluation(
        UniversalEvidence(
            kinds=figures,
            learning_curve=_learning_curve(run, table, config, training),
            least_confidence=least,
            sure_by_task=sure,
            leads_elsewhere=_leads_elsewhere(elsewhere),
            other_cuts={
                kind: other_cuts(one.scores[SANDWICH], table.long_accuracy[one.test])
                for kind, one in judged.items()
                if kind in _CUT_ANEW
            },
            converged_by_task=dict(sorted(Counter(table.tasks.tolist()).items())),
            generalizers_by_task=dict(sorted(Counter(table.tasks[table.labels].tolist()).items())),
        ),
        judged,
    )


def other_cuts(score: NDArray[np.float64], long_accuracy: NDArray[np.float64]) -> dict[float, float | None]:
    """AUC of a score where a generalizer is a subject of at least so much accuracy on (T, 2T], by that."""
    return {cut: auc(score, long_accuracy >= cut) for cut in CUTS}


def facts_of(table: Table, some: Part) -> Facts:
    """What is known of some subjects of a table."""
    return Facts(table.labels[some], table.long_accuracy[some], table.configurations[some], table.tasks[some])


def _judge_all(
    run: RunOfJobs,
    rivals: Rivals,
    splits: Mapping[str, Sequence[JudgedSplit]],
    config: SandwichConfig,
    training: SandwichTraining,
    progress: StageProgress,
) -> dict[str, JudgedKind]:
    numbered = [(kind, number, split) for kind, some in splits.items() for number, split in enumerate(some)]
    jobs = [partial(_scores, split, number, config, training, kind == UNSEEN) for kind, number, split in numbered]
    parts: dict[str, list[Scores]] = defaultdict(list)
    for (kind, _, split), scores in zip(numbered, run(jobs), strict=True):
        progress(split.name)
        parts[kind].append(scores)
    return {kind: _joined(rivals, some, parts[kind]) for kind, some in splits.items()}


def _scores(
    split: JudgedSplit, number: int, config: SandwichConfig, training: SandwichTraining, controls: bool, rivals: Rivals
) -> dict[str, NDArray[np.float64]]:
    scores = rivals.scores(split, config, training, number)
    return scores | rivals.control_scores(split, config, training, number) if controls else scores


def _joined(rivals: Rivals, splits: Sequence[JudgedSplit], parts: Sequence[Scores]) -> JudgedKind:
    alike = [rivals.alike(split.train, rivals.moments[split.test], number) for number, split in enumerate(splits)]
    return JudgedKind(
        np.concatenate([split.test for split in splits]),
        np.concatenate(alike),
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
    )


def _judge_reserve(
    rivals: Rivals, members: Sequence[Member], config: SandwichConfig, training: SandwichTraining
) -> JudgedKind:
    reserve = rivals.table.reserve
    split = JudgedSplit(RESERVE, np.flatnonzero(~reserve), np.flatnonzero(reserve))
    scores = rivals.scores(split, config, training, 0)
    scores[SANDWICH] = ensemble_probability(members, rivals.recordings.drawn, split.test)
    scores[BARE] = ensemble_probability(members, rivals.recordings.bare, split.test)
    return JudgedKind(split.test, rivals.alike(split.train, rivals.moments[split.test], 0), scores)


def _first_conjunctions(table: Table, unseen: JudgedKind) -> dict[str, JudgedKind]:
    """Of the unseen configurations those of the first zoo's kind, to be compared with what was said of that alone."""
    own = (table.tasks[unseen.test] == _FIRST_TASK) & (table.lengths[unseen.test] == _FIRST_LENGTH)
    scores = {name: score[own] for name, score in unseen.scores.items()}
    some = JudgedKind(unseen.test[own], unseen.alike[own], scores)
    return {CONJUNCTIONS: some} if own.any() and not own.all() else {}


def _figures(table: Table, kind: str, judged: JudgedKind) -> KindFigures:
    """Of a kind whose subjects get a verdict where they are like those that were trained on and, of a task left out,
    where the sandwich is sure enough by what was right on the other tasks."""
    facts, answered = facts_of(table, judged.test), judged.alike
    if kind == TASK:
        answered = answered & answered_by_others(judged.scores[SANDWICH], facts.labels, facts.tasks, THRESHOLD)
    return measure_kind(judged.scores, answered, _CALIBRATED, SANDWICH, facts)


def _least_confidence(table: Table, judged: JudgedKind) -> float:
    facts = facts_of(table, judged.test)
    return least_confidence(judged.scores[SANDWICH], facts.labels, facts.tasks, THRESHOLD)


def _sure_by_task(table: Table, judged: JudgedKind, least: float | None) -> dict[str, AnsweredShare]:
    facts, probability = facts_of(table, judged.test), judged.scores[SANDWICH]
    sure = judged.alike & (confidence(probability) >= (least or 0.0))
    return answered_by_task(sure, (probability >= THRESHOLD) == facts.labels, facts.tasks)


def _apart_from(table: Table, facts: Facts) -> Facts:
    """The same facts, their configurations numbered as none of the table's is."""
    return replace(facts, configurations=facts.configurations + table.configurations.max() + 1)


def _leads_elsewhere(kinds: Sequence[tuple[Facts, Scores]]) -> dict[str, Lead]:
    """Over every method that all kinds judge."""
    leads = {}
    for name in [method.name for method in METHODS if method.name != SANDWICH]:
        if kinds and all(name in scores for _, scores in kinds):
            compared = [
                Compared(scores[SANDWICH], scores[name], facts.labels, facts.configurations) for facts, scores in kinds
            ]
            leads[name] = lead_over_kinds(compared)
    return {name: lead for name, lead in leads.items() if lead is not None}


def _foreign_figures(foreign: Foreign, scores: Scores, rivals: Rivals, records: KindRecords) -> KindFigures:
    """A verdict is given as a service gives it: by what was measured on subjects of the task or on tasks left out."""
    facts = foreign.facts
    found = [record_for(task, records.tasks, records.other_tasks) for task in facts.tasks.tolist()]
    least = np.array([record.least_confidence if record and record.trusted else np.inf for record in found])
    answered = foreign.alike(rivals) & (confidence(scores[SANDWICH]) >= least)
    return measure_kind(scores, answered, _CALIBRATED, SANDWICH, facts)


def _learning_curve(
    run: RunOfJobs, table: Table, config: SandwichConfig, training: SandwichTraining
) -> list[LearningPoint]:
    def probabilities(trains: Sequence[Part]) -> list[NDArray[np.float64]]:
        return list(run([partial(_of_everyone, train, config, training) for train in trains]))

    return learning_curve(table, facts_of(table, np.arange(len(table))), config.heads, probabilities)


def _of_everyone(
    train: Part, config: SandwichConfig, training: SandwichTraining, rivals: Rivals
) -> NDArray[np.float64]:
    everyone = np.arange(len(rivals.table))
    return rivals.fit(train, config, training, 0).probability(rivals.recordings.drawn, everyone)


_CALIBRATED = frozenset(method.name for method in METHODS if method.calibrated)
