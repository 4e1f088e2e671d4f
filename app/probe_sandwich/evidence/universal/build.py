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
from probe_sandwich.evidence.universal.asking import write_asking
from probe_sandwich.evidence.universal.ensemble import record_table, train_ensemble
from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, Progress, evaluate_universal
from probe_sandwich.evidence.universal.figures import KindFigures, UniversalEvidence, write_universal_evidence
from probe_sandwich.evidence.universal.methods import SANDWICH
from probe_sandwich.evidence.universal.report import write_universal_report
from probe_sandwich.evidence.universal.settings import TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.card import Card, KindRecord, ZooFacts
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import save_meta_classifier

_PACKAGES = ("probe-sandwich", "torch", "numpy", "scikit-learn", "safetensors")


def train_universal(
    folders: Sequence[Path],
    out: Path,
    device: torch.device,
    progress: Progress = lambda stage: None,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
) -> UniversalEvidence:
    """Train the ensemble on the converged subjects of some zoos, judge it, and write the whole folder.

    Raises `NotAZoo`, `TooFewConfigurations`, and `DamagedShard` where weights do not match their rows.
    """
    table = Table.of(folders)
    progress(f"recording {len(table)} subjects")
    recordings = record_table(table, device, config, training)
    progress("training")
    members = train_ensemble(table, recordings, config, training)
    evidence = evaluate_universal(table, recordings, members, config, training, progress)
    if training.selector_steps:
        progress("asking")
        write_asking(out, table, training, device)
    card = save_meta_classifier(out, members, _card(out.name, table, evidence, config, training))
    write_universal_evidence(out, evidence)
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
        other_tasks=_record(evidence.kinds[TASK]) if TASK in evidence.kinds else None,
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )


def _record(figures: KindFigures, task: str | None = None) -> KindRecord:
    """One kind's row in the card, of all its subjects or of those of one task."""
    method = figures.methods[SANDWICH]
    if task is None:
        answered = figures.answered
        return KindRecord(
            subjects=figures.subjects, answered=answered.share, accuracy=answered.accuracy, auc=method.auc
        )
    answered, of_task = figures.answered_by_task[task], method.tasks[task]
    return KindRecord(subjects=of_task.subjects, answered=answered.share, accuracy=answered.accuracy, auc=of_task.auc)


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
