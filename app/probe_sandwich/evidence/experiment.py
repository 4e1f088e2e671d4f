"""The main experiment: everything that is trained, over the folds of a zoo."""

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.evidence.arms import SANDWICH, USUAL_PLACES, Arm, Asked, Questions, arms, questions
from probe_sandwich.evidence.folds import Fold
from probe_sandwich.evidence.rivals import RIVALS, read_rival, train_rival
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.calibration import fit_calibration
from probe_sandwich.sandwich.cohorts import Cohort, among, load_cohorts
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.kept import Kept, join_kept, keep
from probe_sandwich.sandwich.meta_classifier import Member, gather_evidence, head_scores, judging_noise
from probe_sandwich.sandwich.sandwich import Sandwich
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.sandwich.training import blind_heads, fit_readout, train_sandwich
from probe_sandwich.zoo.engines.local import worker_pool

_PARTS = 8


@dataclass(frozen=True)
class FoldOutcome:
    """Out-of-fold probabilities on `test`, and the seconds that training took."""

    test: NDArray[np.int64]
    probability: NDArray[np.float64]
    seconds: float


@dataclass(frozen=True)
class MemberOutcome(FoldOutcome):
    """Of the sandwich: the trained member, and log-odds `(subjects,)` of the training part, each from the head that is
    blind to the subject (0 elsewhere)."""

    member: Member
    held_out: NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """Members of the ensemble with what their blind heads say, out-of-fold probabilities `(subjects,)` and seconds of
    training by method."""

    members: list[Member]
    held_out: list[NDArray[np.float64]]
    predictions: dict[str, NDArray[np.float64]]
    seconds: dict[str, float]


def run_experiment(
    zoo: Zoo,
    config: SandwichConfig,
    training: SandwichTraining,
    workers: int,
    device: torch.device,
    work: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    only_sandwich: bool = False,
) -> Outcome:
    """Train the sandwich, its variants and its rivals over the folds, or the sandwich alone. Raises
    `TooFewConfigurations`.

    Responses to what is asked without training through the subjects are kept once, and serve all arms. What is finished
    lies in the folder `work`, and is not done again after a stop. `progress` is told how many jobs have ended, and of
    how many.
    """
    folds = zoo.folds(training)
    compared = [] if only_sandwich else arms(zoo, config, training)
    rivals = () if only_sandwich else tuple(RIVALS)
    trained_through = {SANDWICH: False} if only_sandwich else {SANDWICH: False, USUAL_PLACES: True}
    put = {Asked.SPELLED} | {arm.asked for arm in compared}
    jobs_by_fold = (len(trained_through) + len(rivals)) * len(folds)
    total = len(put) * _PARTS + jobs_by_fold + sum(len(arm.folds) for arm in compared)
    with worker_pool(workers) as pool:
        banks = _keep_all(zoo, config, training, put, pool, device, work, lambda done: progress(done, total))
        jobs: list[tuple[str, Future[Any]]] = []

        def submit(method: str, number: int, job: Callable[..., FoldOutcome], *arguments: object) -> None:
            jobs.append((method, pool.submit(_once, work / f"{method}-{number}.pt", job, *arguments)))

        for number, fold in enumerate(folds):
            for method, usual_only in trained_through.items():
                submit(method, number, run_fold, zoo, fold, banks[Asked.SPELLED], usual_only, training, number, device)
            for name in rivals:
                submit(name, number, run_rival, zoo, fold, name, number, device)
        for arm in compared:
            for number, fold in enumerate(arm.folds):
                submit(arm.name, number, run_arm, fold, banks[arm.asked], arm, training, number)
        return _collect(zoo, jobs, lambda done: progress(total - len(jobs) + done, total))


def run_fold(
    zoo: Zoo,
    fold: Fold,
    bank: Path,
    usual_places_only: bool,
    training: SandwichTraining,
    number: int,
    device: torch.device,
) -> MemberOutcome:
    """Train, calibrate and judge the sandwich of one fold, its readout first on the responses kept in `bank`."""
    started = time.perf_counter()
    cohorts = load_cohorts(zoo.folder, zoo.rows, device)
    train, test = (among(cohorts, set(part.tolist())) for part in (fold.train, fold.test))
    seed = training.seed * 1000 + number
    config, kept, noise = _read_bank(bank, usual_places_only)
    kept = kept.select(torch.from_numpy(fold.train))
    sandwich = train_sandwich(config, training, train, kept.draws(slice(None, -DRAWS)), noise[:-DRAWS], seed)
    own_noise = judging_noise(config, training.folds, DRAWS)[number]
    known, judged = (read_all(sandwich, part, own_noise) for part in (train, test))
    own = _blind_scores(known.scores, known.groups, seed)
    calibration = fit_calibration(own, known.labels.numpy() == 1)
    held_out = np.zeros(len(zoo.rows))
    held_out[known.numbers] = calibration.slope * own + calibration.shift
    member = Member(sandwich.cpu(), calibration, fit_support(known.moments, judged.moments))
    probability = calibration.probability(judged.scores.mean(axis=0))
    return MemberOutcome(judged.numbers, probability, time.perf_counter() - started, member, held_out)


def run_arm(fold: Fold, bank: Path, arm: Arm, training: SandwichTraining, number: int) -> FoldOutcome:
    """Fit, calibrate and judge a readout on kept responses."""
    started = time.perf_counter()
    seed = training.seed * 1000 + number
    config, kept, noise = _read_bank(bank, arm.usual_places_only)
    config = config.model_copy(update={"readout_sees_noise": config.readout_sees_noise and arm.sees_noise})
    kept = arm.change(kept)
    known, judged = (kept.select(torch.from_numpy(part)) for part in (fold.train, fold.test))
    fitting, judging = slice(None, -DRAWS), slice(-DRAWS, None)
    readout = fit_readout(config, training, known.draws(fitting), noise[fitting], seed)
    with torch.inference_mode():
        scores, judged_scores = (
            head_scores(readout(part.draws(judging).channels, noise[judging])) for part in (known, judged)
        )
    calibration = fit_calibration(_blind_scores(scores, known.groups, seed), known.labels.numpy() == 1)
    probability = calibration.probability(judged_scores.mean(axis=0))
    return FoldOutcome(fold.test, probability, time.perf_counter() - started)


def run_rival(zoo: Zoo, fold: Fold, name: str, number: int, device: torch.device) -> FoldOutcome:
    """Train, calibrate and judge a published scheme."""
    started = time.perf_counter()
    cohorts = load_cohorts(zoo.folder, zoo.rows, device)
    train, test = (among(cohorts, set(part.tolist())) for part in (fold.train, fold.test))
    widths = sorted({row.config.d_model for row in zoo.rows})
    with torch.random.fork_rng():
        torch.manual_seed(number)
        rival = RIVALS[name](zoo.rows[0].config.train_max_length, widths).to(device)
        rival, validation = train_rival(rival, train, number)
    labels = torch.cat([cohort.labels for cohort in validation]).numpy() == 1
    calibration = fit_calibration(read_rival(rival, validation).double().numpy(), labels)
    numbers = torch.cat([cohort.numbers for cohort in test]).numpy()
    probability = calibration.probability(read_rival(rival, test).double().numpy())
    return FoldOutcome(numbers, probability, time.perf_counter() - started)


def _blind_scores(scores: NDArray[np.float64], groups: Tensor, seed: int) -> NDArray[np.float64]:
    """Of scores `(heads, subjects)` each subject's by the head that is blind to it, `(subjects,)`."""
    blind = blind_heads(groups, len(scores), seed)[groups].numpy()
    own: NDArray[np.float64] = scores[blind, np.arange(len(blind))]
    return own


@dataclass(frozen=True)
class Readings:
    """What a sandwich reads from some subjects: scores `(heads, subjects)` and moments `(subjects, features)`, averaged
    over the draws, with what is known of the subjects, `(subjects,)`."""

    scores: NDArray[np.float64]
    moments: NDArray[np.float64]
    labels: Tensor
    groups: Tensor
    numbers: NDArray[np.int64]


def read_all(sandwich: Sandwich, cohorts: Sequence[Cohort], noise: Tensor) -> Readings:
    """What a sandwich reads from every subject, with noise `(draws, probes, noise_dim)`."""
    evidence = [gather_evidence(sandwich, cohort.subjects, noise) for cohort in cohorts]
    return Readings(
        np.concatenate([head_scores(part) for part in evidence], axis=1),
        np.concatenate([part.moments.mean(dim=1).cpu().double().numpy() for part in evidence]),
        torch.cat([cohort.labels for cohort in cohorts]),
        torch.cat([cohort.groups for cohort in cohorts]),
        np.concatenate([cohort.numbers.numpy() for cohort in cohorts]),
    )


def _keep_all(
    zoo: Zoo,
    config: SandwichConfig,
    training: SandwichTraining,
    every: Collection[Asked],
    pool: ProcessPoolExecutor,
    device: torch.device,
    work: Path,
    progress: Callable[[int], None],
) -> dict[Asked, Path]:
    """Files with the responses of all subjects, by what was asked."""
    put = {asked: questions(asked, config, training, zoo.rows[0].config.task) for asked in every}
    parts = {
        asked: [
            pool.submit(_keep_part, zoo, put[asked], work / f"bank-{asked}-{n}.pt", n, device) for n in range(_PARTS)
        ]
        for asked in every
    }
    for done, future in enumerate((one for futures in parts.values() for one in futures), 1):
        future.result()
        progress(done)
    return {
        asked: _join_parts(work / f"bank-{asked}.pt", put[asked], [future.result() for future in futures])
        for asked, futures in parts.items()
    }


def _keep_part(zoo: Zoo, put: Questions, path: Path, part: int, device: torch.device) -> Path:
    """Responses of every eighth subject, in a file."""
    if not path.exists():
        cohorts = load_cohorts(zoo.folder, zoo.rows, device)
        own = among(cohorts, set(range(part, len(zoo.rows), _PARTS)))
        _save(path, vars(keep(Sandwich(put.config).to(device), own, put.symbols.to(device))))
    return path


def _join_parts(path: Path, put: Questions, parts: Sequence[Path]) -> Path:
    """One file with the responses of all subjects, in their order."""
    kept = join_kept([Kept(**torch.load(part)) for part in parts])
    _save(path, {"config": put.config.model_dump_json(), "noise": put.noise, "kept": vars(kept)})
    return path


def _once(path: Path, job: Callable[..., FoldOutcome], *arguments: object) -> FoldOutcome:
    """A job's outcome, from its file if it was done before."""
    if path.exists():
        # A pickle, as outcomes hold modules; this program wrote it.
        found: FoldOutcome = torch.load(path, weights_only=False)
        return found
    outcome = job(*arguments)
    _save(path, outcome)
    return outcome


def _save(path: Path, content: object) -> None:
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(path)


def _read_bank(path: Path, usual_places_only: bool) -> tuple[SandwichConfig, Kept, Tensor]:
    content = torch.load(path)
    config, kept = SandwichConfig.model_validate_json(content["config"]), Kept(**content["kept"])
    if usual_places_only:
        config, kept = config.model_copy(update={"placements": ()}), kept.usual_places()
    return config, kept, content["noise"]


def _collect(zoo: Zoo, jobs: Sequence[tuple[str, Future[Any]]], progress: Callable[[int], None]) -> Outcome:
    predictions = {method: np.zeros(len(zoo.rows)) for method, _ in jobs}
    seconds = dict.fromkeys(predictions, 0.0)
    members, held_out = [], []
    for done, (method, future) in enumerate(jobs, 1):
        outcome = future.result()
        predictions[method][outcome.test] = outcome.probability
        seconds[method] += outcome.seconds
        if method == SANDWICH and isinstance(outcome, MemberOutcome):
            members.append(outcome.member)
            held_out.append(outcome.held_out)
        progress(done)
    return Outcome(members, held_out, predictions, seconds)
