"""The main experiment: everything that is trained, over the folds of a zoo."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.arms import arms
from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.jobs import FitArm, FoldJob, FoldResult, MemberResult, TrainMember, TrainRival
from probe_sandwich.evidence.experiment.methods import SANDWICH, USUAL_PLACES
from probe_sandwich.evidence.experiment.probes import ProbeKind
from probe_sandwich.evidence.experiment.recordings import PARTS, record_all
from probe_sandwich.evidence.experiment.results import Done, load_result, run_once
from probe_sandwich.evidence.experiment.rivals import RIVALS
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.zoo.engines.local import worker_pool


@dataclass(frozen=True)
class ExperimentResult:
    """Members of the ensemble with what their blind heads say, out-of-fold probabilities `(subjects,)` and seconds of
    training by method."""

    members: list[Member]
    held_out: list[NDArray[np.float64]]
    predictions: dict[str, NDArray[np.float64]]
    seconds: dict[str, float]


def run_experiment(
    zoo: Zoo,
    folds: Sequence[Fold],
    config: SandwichConfig,
    training: SandwichTraining,
    workers: int,
    device: torch.device,
    work: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    only_sandwich: bool = False,
) -> ExperimentResult:
    """Train the sandwich, its variants and its rivals over the folds, or the sandwich alone. Raises
    `TooFewConfigurations`.

    Responses to probes that need no training through the subjects are recorded once, and serve all arms. Finished
    results lie in the folder `work`, and are not made again after a stop. `progress` is called with the number of jobs
    that have ended, and of all.
    """
    compared = [] if only_sandwich else arms(zoo, folds, config, training)
    kinds = {ProbeKind.SPELLED} | {arm.probes for arm in compared}
    by_fold = 1 if only_sandwich else 2 + len(RIVALS)  # the sandwich, the one at its usual places, the rivals
    total = len(kinds) * PARTS + by_fold * len(folds) + sum(len(arm.folds) for arm in compared)
    ended = 0

    def done() -> None:
        nonlocal ended
        ended += 1
        progress(ended, total)

    with worker_pool(workers) as pool:
        recordings = record_all(kinds, zoo, config, training, pool, device, work, done)
        jobs: list[FoldJob] = []
        for number, fold in enumerate(folds):
            spelled = recordings[ProbeKind.SPELLED]
            jobs.append(TrainMember(SANDWICH, number, fold, zoo, spelled, False, training, device))
            if not only_sandwich:
                jobs.append(TrainMember(USUAL_PLACES, number, fold, zoo, spelled, True, training, device))
                jobs += [TrainRival(name, number, fold, zoo, device) for name in RIVALS]
        for arm in compared:
            jobs += [FitArm(arm, number, recordings[arm.probes], training) for number in range(len(arm.folds))]
        running = [(job.method, pool.submit(run_once, job, work)) for job in jobs]
        return _collect(zoo, running, done)


def _collect(zoo: Zoo, running: Sequence[tuple[str, Future[Path]]], done: Done) -> ExperimentResult:
    predictions = {method: np.zeros(len(zoo.rows)) for method, _ in running}
    seconds = dict.fromkeys(predictions, 0.0)
    members, held_out = [], []
    for method, future in running:
        result = load_result(future.result(), FoldResult)
        predictions[method][result.test] = result.probability
        seconds[method] += result.seconds
        if method == SANDWICH and isinstance(result, MemberResult):
            members.append(result.member)
            held_out.append(result.held_out)
        done()
    return ExperimentResult(members, held_out, predictions, seconds)
