"""From zoos of many tasks to the folder of the universal meta-classifier."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from probe_sandwich.answer import Definition, TrackRecord
from probe_sandwich.evidence.universal.asking import FILE as ASKING
from probe_sandwich.evidence.universal.asking import write_asking
from probe_sandwich.evidence.universal.ensemble import ask_all, train_ensemble
from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, Evaluation, StageProgress, evaluate_universal
from probe_sandwich.evidence.universal.figures import FILE, KindFigures, UniversalEvidence, write_universal_evidence
from probe_sandwich.evidence.universal.foreign import Foreign
from probe_sandwich.evidence.universal.methods import SANDWICH, Rivals
from probe_sandwich.evidence.universal.plots import draw_all
from probe_sandwich.evidence.universal.predictions import predicted, write_all_predictions
from probe_sandwich.evidence.universal.records import KindRecords
from probe_sandwich.evidence.universal.report import write_universal_report
from probe_sandwich.evidence.universal.settings import THRESHOLD, TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.evidence.universal.workers import workers_that_read
from probe_sandwich.sandwich.card import Card, ZooFacts
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import load_meta_classifier, save_meta_classifier, write_card
from probe_sandwich.sandwich.placed_answers import zoo_curves, zoo_curves_by_task
from probe_sandwich.sandwich.prediction import student_quantile
from probe_sandwich.sandwich.training.start import start_universal

_LEAST_OF_A_LABEL = 10
_PACKAGES = ("probe-sandwich", "torch", "numpy", "scikit-learn", "safetensors")


def train_universal(
    folders: Sequence[Path],
    out: Path,
    device: torch.device,
    progress: StageProgress = lambda stage: None,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
    foreign: Path | None = None,
    workers: int = 1,
) -> UniversalEvidence:
    """Train the ensemble on the converged subjects of some zoos, judge it, there and on a foreign test set, and write
    the whole folder.

    Raises `NotAZoo`, `ZooTooSmall`, `TooFewConfigurations`, and `DamagedShard` where weights do not match their rows.
    """
    table = Table.of(folders)
    _check_size(table)
    rivals = _rivals(table, device, config, training, workers, progress)
    strangers = _strangers(foreign, rivals, config, training)
    with workers_that_read(rivals, workers) as run:
        progress("training")
        members = train_ensemble(run, table, config, training)
        evaluation = evaluate_universal(run, rivals, members, strangers, config, training, progress)
    _ask_few(out, table, training, device, progress)
    unjudged = _compared(_card(out.name, table, config, training), table, rivals)
    prober = start_universal(config, training).prober
    card = save_meta_classifier(out, prober, members, _judged(unjudged, evaluation.evidence))
    _write(out, card, table, evaluation)
    return evaluation.evidence


def train_alone(
    folders: Sequence[Path],
    out: Path,
    device: torch.device,
    progress: StageProgress = lambda stage: None,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
    workers: int = 1,
) -> Card:
    """Train the same ensemble, and judge nothing: weights, and a card that says so, for which `evaluate_again` makes
    the evidence.

    Raises what `train_universal` does, and `HasEvidence`.
    """
    if (out / FILE).exists():
        raise HasEvidence(out)
    table = Table.of(folders)
    _check_size(table)
    rivals = _rivals(table, device, config, training, workers, progress)
    with workers_that_read(rivals, workers) as run:
        progress("training")
        members = train_ensemble(run, table, config, training)
    prober = start_universal(config, training).prober
    card = _compared(_card(out.name, table, config, training), table, rivals)
    return save_meta_classifier(out, prober, members, card)


class HasEvidence(ValueError):
    """A folder whose evidence would no longer be that of its weights."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} holds the evidence of a meta-classifier, which would not be that of new weights; name another "
            "folder, or train it with its evidence"
        )


class ZooTooSmall(ValueError):
    """Zoos hold too few converged subjects of either label to train and judge on."""


class OtherZoos(ValueError):
    """Zoos of other subjects than those that a meta-classifier was trained on."""


def evaluate_again(
    folders: Sequence[Path],
    model: Path,
    device: torch.device,
    progress: StageProgress = lambda stage: None,
    foreign: Path | None = None,
    workers: int = 1,
) -> UniversalEvidence:
    """Recompute every figure of a meta-classifier from its weights and its zoos, and write evidence, card and report;
    what it is compared with is fitted anew. One without evidence is taken to be made of the zoos as they are.

    Raises `NotAZoo`, `NoMetaClassifier`, `DamagedMetaClassifier`, and `OtherZoos`: the members know the subjects of
    some folds, which are those of other folds in another state of the zoos.
    """
    meta, table = load_meta_classifier(model, torch.device("cpu")), Table.of(folders, predicted(model) or None)
    if meta.card.zoo.rows_sha256 != _rows_sha256(table):
        raise OtherZoos(
            f"{model} was trained on other subjects than those of {', '.join(map(str, folders))}; name its zoos in the "
            "order in which they were named then, or train it anew"
        )
    config, training = meta.card.sandwich, meta.card.training
    rivals = _rivals(table, device, config, training, workers, progress)
    strangers = _strangers(foreign, rivals, config, training)
    with workers_that_read(rivals, workers) as run:
        evaluation = evaluate_universal(run, rivals, meta.members, strangers, config, training, progress)
    if not (model / ASKING).exists():
        _ask_few(model, table, training, device, progress)
    card = _judged(_compared(meta.card, table, rivals), evaluation.evidence)
    write_card(model, card)
    _write(model, card, table, evaluation)
    return evaluation.evidence


def _rivals(
    table: Table,
    device: torch.device,
    config: SandwichConfig,
    training: SandwichTraining,
    workers: int,
    progress: StageProgress,
) -> Rivals:
    progress(f"asking {len(table)} subjects")
    asked = ask_all(
        table, device, config, training, workers, lambda done: progress(f"asked {done} of {len(table)} subjects")
    )
    return Rivals.of(table, asked.recordings, asked.labelled, config)


def _strangers(
    folder: Path | None, rivals: Rivals, config: SandwichConfig, training: SandwichTraining
) -> Foreign | None:
    if folder is None:
        return None
    return Foreign.of(folder, start_universal(config, training).prober, rivals.recordings.drawn.noise)


def _ask_few(
    folder: Path, table: Table, training: SandwichTraining, device: torch.device, progress: StageProgress
) -> None:
    if training.selector_steps:
        progress("asking")
        write_asking(folder, table, training, device)


def _write(folder: Path, card: Card, table: Table, evaluation: Evaluation) -> None:
    write_universal_evidence(folder, evaluation.evidence)
    write_all_predictions(folder, table, evaluation)
    draw_all(folder, table, evaluation)
    write_universal_report(folder, card, evaluation.evidence)


def _compared(card: Card, table: Table, rivals: Rivals) -> Card:
    """A card with what answers are shown beside: how many of theirs the zoo's subjects keep."""
    channels = rivals.recordings.drawn.channels[:, :, : 1 + len(card.sandwich.placements)]
    labels = table.labels.tolist()
    by_task = zoo_curves_by_task(channels, labels, table.tasks.tolist())
    return card.model_copy(update={"kept_answers": zoo_curves(channels, labels), "kept_answers_by_task": by_task})


def _card(name: str, table: Table, config: SandwichConfig, training: SandwichTraining) -> Card:
    """The card but for what the subjects' answers, judging the members, and saving them add to it."""
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
        track_record=None,
        tasks={},
        other_tasks=None,
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )


def _judged(card: Card, evidence: UniversalEvidence) -> Card:
    """The card with how good its verdicts were."""
    unseen = evidence.kinds[UNSEEN]
    records = KindRecords.of(unseen, evidence.sure_by_task, evidence.kinds.get(TASK), evidence.least_confidence)
    return card.model_copy(
        update={
            "track_record": _track_record(unseen),
            "tasks": records.tasks,
            "other_tasks": records.other_tasks,
        }
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


def _track_record(unseen: KindFigures) -> TrackRecord:
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
