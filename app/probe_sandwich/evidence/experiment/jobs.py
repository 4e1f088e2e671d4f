"""The jobs of an experiment: to train, calibrate and judge one method on one fold."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.evidence.experiment.arms import Arm
from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.recordings import Recordings
from probe_sandwich.evidence.experiment.results import load_result
from probe_sandwich.evidence.experiment.rivals import RIVALS, read_rival, train_rival
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.calibration import fit_calibration
from probe_sandwich.sandwich.config import SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member, head_scores, judging_noise, read_out
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.readout_fit import fit_readout
from probe_sandwich.sandwich.training.training import train_sandwich
from probe_sandwich.sandwich.universal import AnySandwich
from probe_sandwich.zoo.cohorts import Cohort, among, load_cohorts


@dataclass(frozen=True)
class FoldResult:
    """Out-of-fold probabilities on `test`, and the seconds that training took."""

    test: NDArray[np.int64]
    probability: NDArray[np.float64]
    seconds: float


@dataclass(frozen=True)
class MemberResult(FoldResult):
    """Of the sandwich: the trained member, and log-odds `(subjects,)` of the training part, each from the head that is
    blind to the subject (0 elsewhere)."""

    member: Member
    held_out: NDArray[np.float64]


@dataclass(frozen=True)
class TrainMember:
    """Trains the sandwich of one fold, its readout first on recorded responses."""

    method: str
    number: int
    fold: Fold
    zoo: Zoo
    recordings: Path
    usual_places_only: bool
    training: SandwichTraining
    device: torch.device

    @property
    def key(self) -> str:
        return f"{self.method}-{self.number}"

    def run(self) -> MemberResult:
        """Train, calibrate on what the blind heads say, and judge."""
        started = time.perf_counter()
        train, test = _parts(self.zoo, self.fold, self.device)
        recordings = load_result(self.recordings, Recordings)
        if self.usual_places_only:
            recordings = recordings.usual_places()
        config, fitting = recordings.config, recordings.fitting.select(torch.from_numpy(self.fold.train))
        seed = _seed(self.training, self.number)
        blind = BlindHeads.assign(fitting.groups, config.heads, seed)
        sandwich = train_sandwich(config, self.training, train, fitting, blind, seed)
        noise = judging_noise(config, self.training.folds, DRAWS)[self.number]
        known, judged = (read_all(sandwich, part, noise) for part in (train, test))
        held_out_scores = blind.held_out(known.scores, known.groups)
        calibration = fit_calibration(held_out_scores, known.labels.numpy() == 1)
        held_out = np.zeros(len(self.zoo.rows))
        held_out[known.numbers] = calibration.slope * held_out_scores + calibration.shift
        member = Member(sandwich.cpu(), calibration, fit_support(known.moments, judged.moments))
        probability = calibration.probability(judged.scores.mean(axis=0))
        return MemberResult(judged.numbers, probability, time.perf_counter() - started, member, held_out)


@dataclass(frozen=True)
class FitArm:
    """Fits an arm's readout on one of its folds."""

    arm: Arm
    number: int
    recordings: Path
    training: SandwichTraining

    @property
    def method(self) -> str:
        return self.arm.name

    @property
    def key(self) -> str:
        return f"{self.method}-{self.number}"

    def run(self) -> FoldResult:
        """Fit, calibrate and judge a readout on recorded responses."""
        started = time.perf_counter()
        seed, fold = _seed(self.training, self.number), self.arm.folds[self.number]
        recordings = load_result(self.recordings, Recordings)
        if self.arm.usual_places_only:
            recordings = recordings.usual_places()
        if not self.arm.sees_noise:
            recordings = recordings.hiding_noise()
        config = recordings.config
        fitting, judging = (self.arm.change(one) for one in (recordings.fitting, recordings.judging))
        train, test = (torch.from_numpy(part) for part in (fold.train, fold.test))
        known = fitting.select(train)
        blind = BlindHeads.assign(known.groups, config.heads, seed)
        readout = fit_readout(config, self.training, known, blind, seed)
        with torch.inference_mode():
            scores, judged_scores = (
                head_scores(readout(judging.select(part).channels, judging.noise)) for part in (train, test)
            )
        calibration = fit_calibration(blind.held_out(scores, known.groups), known.labels.numpy() == 1)
        probability = calibration.probability(judged_scores.mean(axis=0))
        return FoldResult(fold.test, probability, time.perf_counter() - started)


@dataclass(frozen=True)
class TrainRival:
    """Trains a published scheme on one fold."""

    method: str
    number: int
    fold: Fold
    zoo: Zoo
    device: torch.device

    @property
    def key(self) -> str:
        return f"{self.method}-{self.number}"

    def run(self) -> FoldResult:
        """Train, calibrate and judge."""
        started = time.perf_counter()
        train, test = _parts(self.zoo, self.fold, self.device)
        widths = sorted({row.config.d_model for row in self.zoo.rows})
        with torch.random.fork_rng():
            torch.manual_seed(self.number)
            rival = RIVALS[self.method](self.zoo.rows[0].config.train_max_length, widths).to(self.device)
            rival, validation = train_rival(rival, train, self.number)
        labels = torch.cat([cohort.labels for cohort in validation]).numpy() == 1
        calibration = fit_calibration(read_rival(rival, validation).double().numpy(), labels)
        numbers = torch.cat([cohort.numbers for cohort in test]).numpy()
        probability = calibration.probability(read_rival(rival, test).double().numpy())
        return FoldResult(numbers, probability, time.perf_counter() - started)


FoldJob = TrainMember | FitArm | TrainRival


@dataclass(frozen=True)
class Readings:
    """What a sandwich reads from some subjects: scores `(heads, subjects)` and moments `(subjects, features)`, averaged
    over the draws, with what is known of the subjects, `(subjects,)`."""

    scores: NDArray[np.float64]
    moments: NDArray[np.float64]
    labels: Tensor
    groups: Tensor
    numbers: NDArray[np.int64]


def read_all(sandwich: AnySandwich, cohorts: Sequence[Cohort], noise: Tensor) -> Readings:
    """What a sandwich reads from every subject, with noise `(draws, probes, noise_dim)`."""
    outputs = [read_out(sandwich, cohort.subjects, noise) for cohort in cohorts]
    return Readings(
        np.concatenate([head_scores(output) for output in outputs], axis=1),
        np.concatenate([output.moments.mean(dim=1).cpu().double().numpy() for output in outputs]),
        torch.cat([cohort.labels for cohort in cohorts]),
        torch.cat([cohort.groups for cohort in cohorts]),
        np.concatenate([cohort.numbers.numpy() for cohort in cohorts]),
    )


def _parts(zoo: Zoo, fold: Fold, device: torch.device) -> tuple[list[Cohort], list[Cohort]]:
    """Cohorts of the training and of the test part."""
    cohorts = load_cohorts(zoo.folder, zoo.rows, device)
    return among(cohorts, set(fold.train.tolist())), among(cohorts, set(fold.test.tolist()))


def _seed(training: SandwichTraining, number: int) -> int:
    return training.seed * 1000 + number
