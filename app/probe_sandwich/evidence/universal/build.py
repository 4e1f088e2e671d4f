"""From zoos of many tasks to the universal meta-classifier and its figures."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.answer import Definition, TrackRecord
from probe_sandwich.evidence.build import THRESHOLD
from probe_sandwich.evidence.figures.trust import student_quantile
from probe_sandwich.evidence.universal.figures import KindFigures, UniversalEvidence, measure_kind
from probe_sandwich.evidence.universal.methods import METHODS, SANDWICH, Recordings, Rivals, fit
from probe_sandwich.evidence.universal.part import (
    Part,
    Split,
    by_configuration,
    length_left_out,
    size_left_out,
    task_left_out,
)
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.card import Card, ZooFacts
from probe_sandwich.sandwich.config import Reading, SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.placements import Kind, Placement
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.sandwich.training.recorded import Recording, fitting_noise
from probe_sandwich.sandwich.training.warm_up import start_universal

UNIVERSAL = SandwichConfig(
    reading=Reading.ANSWERS,
    noise_dim=32,
    temperature=0.1,
    readout_sees_noise=False,
    placements=tuple(
        Placement(kind=kind, reach=reach)
        for kind, reaches in (
            (Kind.SHIFTED, (1.25, 1.5, 2)),
            (Kind.PARTED, (1.25, 1.5, 2)),
            (Kind.SPREAD, (1.5, 2)),
        )
        for reach in reaches
    ),
)
"""Noise that selects stands for no symbols, so the readout does not see it."""
TRAINING = SandwichTraining(fitting_draws=2 * DRAWS, epochs=0)
"""The selector stays as it is: what training it through the subjects is worth is a figure of its own."""
_PACKAGES = ("probe-sandwich", "torch", "numpy", "scikit-learn", "safetensors")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """The splits of one kind, and of each method the scores of all that they judge."""

    splits: list[Split]
    scores: dict[str, NDArray[np.float64]]

    @property
    def test(self) -> NDArray[np.int64]:
        """Places in the table of the judged subjects."""
        return np.concatenate([split.test for split in self.splits])


def evaluate_universal(
    table: Table,
    recordings: Recordings,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
    progress: Progress = lambda stage: None,
) -> UniversalEvidence:
    """Every kind of split, judged by what was fitted without what it leaves out."""
    rivals = Rivals.of(table, recordings, config)
    kinds = {
        "unseen configurations": by_configuration(table, training.folds, training.seed),
        "task left out": task_left_out(table),
        "T left out": length_left_out(table),
        "size left out": size_left_out(table),
    }
    found: dict[str, KindFigures] = {}
    for kind, splits in kinds.items():
        if not splits:
            continue
        judged = _judge(rivals, splits, config, training, progress, controls=kind == "unseen configurations")
        found[kind] = _figures(table, judged)
    return UniversalEvidence(
        kinds=found,
        converged_by_task=dict(sorted(Counter(table.tasks.tolist()).items())),
        generalizers_by_task=dict(sorted(Counter(table.tasks[table.labels].tolist()).items())),
    )


def train_ensemble(
    table: Table,
    recordings: Recordings,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
) -> list[Member]:
    """One member a fold of the configurations outside the reserve, calibrated by its blind heads."""
    members = []
    for number, split in enumerate(by_configuration(table, training.folds, training.seed)):
        fitted = fit(recordings.fitting, recordings.judging, split.train, config, training, number)
        sandwich = start_universal(config, training)
        sandwich.readout = fitted.readout
        known, unseen = (_moments(fitted.readout, recordings.judging, part) for part in (split.train, split.test))
        members.append(Member(sandwich.eval(), fitted.calibration, fit_support(known, unseen)))
    return members


def record_table(
    table: Table, device: torch.device, config: SandwichConfig = UNIVERSAL, training: SandwichTraining = TRAINING
) -> Recordings:
    """Answers of all subjects to the probes of an untrained selector: half of the draws to fit on, half to judge on."""
    sandwich = start_universal(config, training).to(device)
    noise = fitting_noise(config, training).to(device)
    whole = table.record(sandwich, noise, device)
    half = len(noise) // 2
    bare = table.record(sandwich, noise[half:], device, bare=True)
    return Recordings(whole.draws(0, half), whole.draws(half, len(noise)), bare)


def _moments(readout: Readout, recording: Recording, part: Part) -> NDArray[np.float64]:
    with torch.inference_mode():
        moments: Tensor = readout(recording.channels[torch.from_numpy(part)], recording.noise).moments
    return moments.mean(dim=1).double().numpy()


def universal_card(name: str, table: Table, evidence: UniversalEvidence, training: SandwichTraining) -> Card:
    """The card but for what saving the members adds to it."""
    unseen = evidence.kinds["unseen configurations"]
    figures = unseen.methods[SANDWICH]
    rows = "".join(f"{row.subject}{row.label}" for row in table.rows)
    return Card(
        name=name,
        task=None,
        train_max_length=None,
        definition=Definition(formulas_per_bucket=1000),
        threshold=THRESHOLD,
        sandwich=UNIVERSAL,
        training=training,
        calibrations=[],
        support_limits=[],
        student_quantile=student_quantile(training.folds),
        zoo=ZooFacts(
            groups=len(np.unique(table.configurations)),
            rows_sha256=hashlib.sha256(rows.encode()).hexdigest(),
            subjects=len(table),
            converged=len(table),
            reserve=int(table.reserve.sum()),
            generalizers=int(table.labels.sum()),
            one_sided_schemes=[],
        ),
        track_record=TrackRecord(
            subjects=unseen.subjects,
            positives=unseen.positives,
            auc=figures.auc,
            auc_low=figures.auc_low,
            auc_high=figures.auc_high,
            within_configuration_auc=figures.within_configuration_auc,
            brier=None,
            expected_calibration_error=figures.calibration_error,
            accuracy=figures.accuracy,
        ),
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )


def _judge(
    rivals: Rivals,
    splits: Sequence[Split],
    config: SandwichConfig,
    training: SandwichTraining,
    progress: Progress,
    *,
    controls: bool,
) -> Judged:
    parts = []
    for number, split in enumerate(splits):
        progress(split.name)
        scores = rivals.scores(split, config, training, number)
        if controls:
            scores |= rivals.control_scores(split, config, training, number)
        parts.append(scores)
    return Judged(list(splits), {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _figures(table: Table, judged: Judged) -> KindFigures:
    test = judged.test
    calibrated = frozenset(method.name for method in METHODS if method.calibrated)
    return measure_kind(
        judged.scores, calibrated, SANDWICH, table.labels[test], table.configurations[test], table.tasks[test]
    )
