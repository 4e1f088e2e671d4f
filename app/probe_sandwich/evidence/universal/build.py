"""From zoos of many tasks to the folder of the universal meta-classifier."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from probe_sandwich.answer import Definition, TrackRecord
from probe_sandwich.evidence.build import THRESHOLD
from probe_sandwich.evidence.figures.trust import student_quantile
from probe_sandwich.evidence.universal.ensemble import ask_all, train_ensemble
from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, Progress, evaluate_universal
from probe_sandwich.evidence.universal.figures import KindFigures, UniversalEvidence, write_universal_evidence
from probe_sandwich.evidence.universal.foreign import Foreign
from probe_sandwich.evidence.universal.methods import SANDWICH, Rivals
from probe_sandwich.evidence.universal.plots import draw_all
from probe_sandwich.evidence.universal.predictions import write_all_predictions
from probe_sandwich.evidence.universal.report import write_universal_report
from probe_sandwich.evidence.universal.settings import TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.evidence.universal.workers import workers_that_read
from probe_sandwich.sandwich.card import Card, KindRecord, ZooFacts
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import save_meta_classifier
from probe_sandwich.sandwich.training.warm_up import start_universal

_PACKAGES = ("probe-sandwich", "torch", "numpy", "scikit-learn", "safetensors")


def train_universal(
    folders: Sequence[Path],
    out: Path,
    device: torch.device,
    progress: Progress = lambda stage: None,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
    foreign: Path | None = None,
    workers: int = 1,
) -> UniversalEvidence:
    """Train the ensemble on the converged subjects of some zoos, judge it, there and on a foreign test set, and write
    the whole folder.

    Raises `NotAZoo`, `TooFewConfigurations`, and `DamagedShard` where weights do not match their rows.
    """
    table = Table.of(folders)
    progress(f"asking {len(table)} subjects")
    asked = ask_all(table, device, config, training, workers)
    sandwich = start_universal(config, training)
    strangers = None if foreign is None else Foreign.of(foreign, sandwich, asked.recordings.judging.noise)
    rivals = Rivals.of(table, asked.recordings, asked.labelled, config)
    with workers_that_read(rivals, workers) as run:
        progress("training")
        members = train_ensemble(run, table, config, training)
        evaluation = evaluate_universal(run, rivals, members, strangers, config, training, progress)
    evidence = evaluation.evidence
    card = save_meta_classifier(out, members, _card(out.name, table, evidence, config, training))
    write_universal_evidence(out, evidence)
    write_all_predictions(out, table, evaluation)
    draw_all(out, table, evaluation)
    write_universal_report(out, card, evidence)
    return evidence


def _card(
    name: str, table: Table, evidence: UniversalEvidence, config: SandwichConfig, training: SandwichTraining
) -> Card:
    """The card but for what saving the members adds to it."""
    rows = "".join(f"{row.subject}{row.label}" for row in table.rows)
    return Card(
        name=name,
        task=None,
        train_max_length=None,
        definition=Definition(formulas_per_bucket=1000),
        threshold=THRESHOLD,
        sandwich=config,
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
        track_record=_track_record(evidence),
        tasks={task: _record(evidence.kinds[UNSEEN], task) for task in evidence.kinds[UNSEEN].answered_by_task},
        other_tasks=_record(evidence.kinds[TASK], least_confidence=evidence.least_confidence)
        if TASK in evidence.kinds
        else None,
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )


def _record(figures: KindFigures, task: str | None = None, least_confidence: float | None = None) -> KindRecord:
    """One kind's row in the card, of all its subjects or of those of one task."""
    method = figures.methods[SANDWICH]
    answered = figures.answered if task is None else figures.answered_by_task[task]
    measured = method if task is None else method.tasks[task]
    return KindRecord(
        subjects=figures.subjects if task is None else method.tasks[task].subjects,
        answered=answered.share,
        accuracy=answered.accuracy,
        auc=measured.auc,
        least_confidence=least_confidence or 0.0,
    )


def _track_record(evidence: UniversalEvidence) -> TrackRecord:
    unseen = evidence.kinds[UNSEEN]
    figures = unseen.methods[SANDWICH]
    return TrackRecord(
        subjects=unseen.subjects,
        positives=unseen.positives,
        auc=figures.auc,
        auc_low=figures.auc_low,
        auc_high=figures.auc_high,
        within_configuration_auc=figures.within_configuration_auc,
        brier=None,
        expected_calibration_error=figures.calibration_error,
        accuracy=figures.accuracy,
    )
