"""The main experiment: everything that trains a sandwich, over the folds of a zoo."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.evidence.folds import Fold, leave_one_scheme_out, make_folds
from app.sandwich.calibration import fit_calibration
from app.sandwich.cohorts import Cohort, among, load_cohorts
from app.sandwich.config import SandwichConfig, SandwichTraining
from app.sandwich.meta_classifier import DRAWS, NOISE_SEED, Member, gather_evidence, score
from app.sandwich.sandwich import Sandwich
from app.sandwich.support import fit_support
from app.sandwich.training import train_sandwich
from app.zoo.shards import IndexRow

SANDWICH, SCHEME_LEFT_OUT = "sandwich", "scheme_left_out"


@dataclass(frozen=True)
class Variant:
    """One way to build and train a sandwich."""

    config: SandwichConfig
    training: SandwichTraining


def variants(config: SandwichConfig, training: SandwichTraining) -> dict[str, Variant]:
    """The sandwich, and what shows where its knowledge comes from: the generator as it is before it is trained through
    the subjects; no other places than the usual ones; probes of random symbols that nothing was trained on."""
    readout_only = training.model_copy(update={"epochs": 0})
    return {
        SANDWICH: Variant(config, training),
        "generator_not_trained": Variant(config, readout_only),
        "usual_places": Variant(config.model_copy(update={"placements": ()}), training),
        "noise_probes": Variant(config, readout_only.model_copy(update={"warm_up_steps": 0})),
    }


@dataclass(frozen=True)
class Zoo:
    """What an experiment needs of a zoo: its converged subjects, and arrays `(subjects,)` of them.

    `configurations` are the numbers of all groups, of those as well of which nothing converged.
    """

    folder: Path
    rows: list[IndexRow]
    labels: NDArray[np.bool_]
    long_accuracy: NDArray[np.float64]
    groups: NDArray[np.int64]
    schemes: NDArray[np.str_]
    configurations: NDArray[np.int64]

    @staticmethod
    def of(folder: Path, rows: Sequence[IndexRow]) -> "Zoo":
        """The converged ones among some rows."""
        converged = [row for row in rows if row.converged]
        return Zoo(
            folder,
            converged,
            np.array([row.label for row in converged], dtype=bool),
            np.array([0.5 if row.long_accuracy is None else row.long_accuracy for row in converged]),
            np.array([row.group for row in converged], dtype=np.int64),
            np.array([row.scheme.value for row in converged], dtype=str),
            np.unique([row.group for row in rows]),
        )

    def judged(self, left_out: Collection[str]) -> NDArray[np.bool_]:
        """Which subjects count in figures, `(subjects,)`: those of schemes that are not left out."""
        return ~np.isin(self.schemes, list(left_out))


@dataclass(frozen=True)
class FoldOutcome:
    """A trained member and its out-of-fold probabilities on `test`."""

    member: Member
    test: NDArray[np.int64]
    probability: NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """Members of the ensemble, and out-of-fold probabilities `(subjects,)` by the name of the method."""

    members: list[Member]
    predictions: dict[str, NDArray[np.float64]]


def run_experiment(
    zoo: Zoo,
    config: SandwichConfig,
    training: SandwichTraining,
    workers: int,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Cross-validate the sandwich and its variants, and judge every position scheme by a sandwich that saw none of it.

    `progress` is told how many trainings have ended, and of how many.
    """
    folds = make_folds(zoo.groups, zoo.configurations, training.folds, training.seed)
    jobs = [
        (method, number, fold, kind)
        for method, kind in variants(config, training).items()
        for number, fold in enumerate(folds)
    ]
    readout_only = Variant(config, training.model_copy(update={"epochs": 0}))
    by_scheme = leave_one_scheme_out(zoo.groups, zoo.schemes, training.seed)
    jobs += [(SCHEME_LEFT_OUT, number, fold, readout_only) for number, fold in enumerate(by_scheme)]
    predictions = {method: np.zeros(len(zoo.rows)) for method, *_ in jobs}
    members = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker) as pool:
        running = [
            (method, number, pool.submit(run_fold, zoo, fold, kind.config, kind.training, number, device))
            for method, number, fold, kind in jobs
        ]
        for done, (method, _, future) in enumerate(running, 1):
            outcome = future.result()
            predictions[method][outcome.test] = outcome.probability
            if method == SANDWICH:
                members.append(outcome.member)
            progress(done, len(jobs))
    return Outcome(members, predictions)


def run_fold(
    zoo: Zoo,
    fold: Fold,
    config: SandwichConfig,
    training: SandwichTraining,
    number: int,
    device: torch.device,
) -> FoldOutcome:
    """Train, calibrate and judge the sandwich of one fold."""
    cohorts = load_cohorts(zoo.folder, zoo.rows, device)
    train, validation, test = (among(cohorts, set(part.tolist())) for part in (fold.train, fold.validation, fold.test))
    sandwich = train_sandwich(config, training, train, validation, seed=training.seed * 1000 + number)
    held_out = read_all(sandwich, validation)
    calibration = fit_calibration(held_out.scores, zoo.labels[held_out.numbers])
    judged = read_all(sandwich, test)
    support = fit_support(
        np.concatenate([read_all(sandwich, train).statistics, held_out.statistics]),
        judged.statistics,
    )
    member = Member(sandwich.cpu(), calibration, support)
    return FoldOutcome(member, judged.numbers, calibration.probability(judged.scores))


@dataclass(frozen=True)
class Readings:
    """Scores `(subjects,)` and statistics `(subjects, features)`, averaged over the draws, with numbers."""

    numbers: NDArray[np.int64]
    scores: NDArray[np.float64]
    statistics: NDArray[np.float64]


def read_all(sandwich: Sandwich, cohorts: Sequence[Cohort]) -> Readings:
    """What a sandwich reads from every subject."""
    evidence = [gather_evidence(sandwich, cohort.subjects, NOISE_SEED, DRAWS) for cohort in cohorts]
    return Readings(
        np.concatenate([cohort.numbers.numpy() for cohort in cohorts]),
        np.concatenate([score(part).mean(axis=1) for part in evidence]),
        np.concatenate([part.moments.mean(dim=1).cpu().double().numpy() for part in evidence]),
    )


def _start_worker() -> None:
    torch.set_num_threads(1)
