"""From zoos of many tasks to the folder of the universal meta-classifier."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from probe_sandwich.answer import Definition, TrackRecord, ZooCurves
from probe_sandwich.evidence.universal.asking import write_asking
from probe_sandwich.evidence.universal.ensemble import record_table, train_ensemble
from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, Progress, evaluate_universal
from probe_sandwich.evidence.universal.figures import KindFigures, UniversalEvidence, write_universal_evidence
from probe_sandwich.evidence.universal.methods import SANDWICH
from probe_sandwich.evidence.universal.report import write_universal_report
from probe_sandwich.evidence.universal.settings import THRESHOLD, TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.card import Card, KindRecord, ZooFacts
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import load_meta_classifier, save_meta_classifier, write_card
from probe_sandwich.sandwich.placed_answers import zoo_curves
from probe_sandwich.sandwich.prediction import student_quantile

_LEAST_OF_A_LABEL = 10
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

    Raises `NotAZoo`, `ZooTooSmall`, `TooFewConfigurations`, and `DamagedShard` where weights do not match their rows.
    """
    table = Table.of(folders)
    _check_size(table)
    progress(f"recording {len(table)} subjects")
    recordings = record_table(table, device, config, training)
    progress("training")
    members = train_ensemble(table, recordings, config, training)
    evidence = evaluate_universal(table, recordings, members, config, training, progress)
    if training.selector_steps:
        progress("asking")
        write_asking(out, table, training, device)
    curves = zoo_curves(recordings.judging.channels, table.labels.tolist())
    card = save_meta_classifier(out, members, _card(out.name, table, evidence, curves, config, training))
    write_universal_evidence(out, evidence)
    write_universal_report(out, card, evidence)
    return evidence


class ZooTooSmall(ValueError):
    """Zoos hold too few converged subjects of either label to train and judge on."""


class OtherZoos(ValueError):
    """Zoos of other subjects than those that a meta-classifier was trained on."""


def evaluate_again(
    folders: Sequence[Path], model: Path, device: torch.device, progress: Progress = lambda stage: None
) -> UniversalEvidence:
    """Recompute every figure of a meta-classifier from its weights and its zoos, and write evidence, card and report;
    what it is compared with is fitted anew.

    Raises `NotAZoo`, `NoMetaClassifier`, `DamagedMetaClassifier`, and `OtherZoos`: the members know the subjects of
    some folds, which are those of other folds in another state of the zoos.
    """
    meta, table = load_meta_classifier(model, device), Table.of(folders)
    if meta.card.zoo.rows_sha256 != _rows_sha256(table):
        raise OtherZoos(
            f"{model} was trained on other subjects than those of {', '.join(map(str, folders))}; name its zoos in the "
            "order in which they were named then, or train it anew"
        )
    config, training = meta.card.sandwich, meta.card.training
    progress(f"recording {len(table)} subjects")
    recordings = record_table(table, device, config, training)
    evidence = evaluate_universal(table, recordings, meta.members, config, training, progress)
    curves = zoo_curves(recordings.judging.channels, table.labels.tolist())
    found = _card(meta.card.name, table, evidence, curves, config, training)
    figures = {name: getattr(found, name) for name in ("track_record", "tasks", "other_tasks", "kept_answers")}
    card = meta.card.model_copy(update=figures)
    write_card(model, card)
    write_universal_evidence(model, evidence)
    write_universal_report(model, card, evidence)
    return evidence


def _card(
    name: str,
    table: Table,
    evidence: UniversalEvidence,
    curves: ZooCurves | None,
    config: SandwichConfig,
    training: SandwichTraining,
) -> Card:
    """The card but for what saving the members adds to it."""
    return Card(
        name=name,
        definition=Definition(formulas_per_bucket=1000),
        threshold=THRESHOLD,
        sandwich=config,
        training=training,
        calibrations=[],
        support_limits=[],
        student_quantile=student_quantile(training.folds),
        zoo=ZooFacts(
            groups=len(np.unique(table.configurations)),
            rows_sha256=_rows_sha256(table),
            subjects=len(table),
            converged=len(table),
            reserve=int(table.reserve.sum()),
            generalizers=int(table.labels.sum()),
        ),
        track_record=_track_record(evidence),
        tasks={task: _record(evidence.kinds[UNSEEN], task) for task in evidence.kinds[UNSEEN].answered_by_task},
        other_tasks=_record(evidence.kinds[TASK]) if TASK in evidence.kinds else None,
        kept_answers=curves,
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )


def _check_size(table: Table) -> None:
    labels = table.labels[~table.reserve]
    if min(labels.sum(), (~labels).sum()) < _LEAST_OF_A_LABEL:
        raise ZooTooSmall(
            f"there are {labels.sum()} converged generalizers and {(~labels).sum()} converged others outside the "
            f"reserve; at least {_LEAST_OF_A_LABEL} of each are needed: build more subjects"
        )


def _rows_sha256(table: Table) -> str:
    """Over the subjects and their labels, in the order of the zoos."""
    return hashlib.sha256("".join(f"{row.subject}{row.label}" for row in table.rows).encode()).hexdigest()


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
