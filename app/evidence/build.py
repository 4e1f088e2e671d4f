"""From a zoo to a meta-classifier folder, and from both back to every figure."""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.evidence.baselines import out_of_fold, placed_formulas, tabular_baselines
from app.evidence.experiment import SANDWICH, SCHEME_LEFT_OUT, Zoo, run_experiment
from app.evidence.folds import Fold, make_folds
from app.evidence.metrics import Metrics, measure
from app.evidence.report import write_report
from app.sandwich.card import Card
from app.sandwich.cohorts import among, load_cohorts
from app.sandwich.config import SandwichConfig, SandwichTraining
from app.sandwich.meta_classifier import (
    CARD,
    DRAWS,
    NOISE_SEED,
    MetaClassifier,
    gather_evidence,
    load_meta_classifier,
    save_meta_classifier,
    score,
)
from app.zoo.info import one_sided_schemes
from app.zoo.shards import IndexRow, read_index, read_weights, write_atomically

PREDICTIONS, LATER = "predictions.csv", "later.csv"
THRESHOLD = 0.5
MATCHED, OTHER_CUTS = 0.99, (0.80, 0.85, 0.95)
_FACTS = ("subject", "group", "scheme", "label", "in_distribution_accuracy", "long_accuracy")
_PACKAGES = ("probe-sandwich", "torch", "numpy", "scikit-learn", "safetensors")


class ZooTooSmall(ValueError):
    """A zoo holds too few converged subjects of either label to train and judge on."""


class OtherZoo(ValueError):
    """A meta-classifier was trained on other subjects, so nobody knows which of a zoo's it has seen."""


def train_meta_classifier(
    zoo_folder: Path,
    out: Path,
    workers: int,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Card:
    """Train the ensemble with its baselines and write the whole folder. Raises `NotAZoo`, `ZooTooSmall`.

    `progress` is called with the number of finished trainings and of all.
    """
    rows = read_index(zoo_folder)
    zoo = Zoo.of(zoo_folder, [row for row in rows if not row.reserve])
    _check_size(zoo)
    first = zoo.rows[0]
    config = SandwichConfig(probe_length=first.config.train_max_length)
    training = SandwichTraining()
    outcome = run_experiment(zoo, config, training, workers, device, progress)
    card = Card(
        name=out.name,
        task=first.config.task,
        train_max_length=first.config.train_max_length,
        definition=first.definition.model_copy(update={"formulas_per_bucket": 1000}),
        threshold=THRESHOLD,
        sandwich=config,
        training=training,
        calibrations=[],
        support_limits=[],
        zoo=_zoo_facts(rows),
        metrics={},
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )
    out.mkdir(parents=True, exist_ok=True)
    save_meta_classifier(out, outcome.members, card)
    _write_predictions(out / PREDICTIONS, zoo, outcome.predictions)
    return evaluate_meta_classifier(zoo_folder, out, device)


def evaluate_meta_classifier(zoo_folder: Path, model: Path, device: torch.device) -> Card:
    """Recompute the card's figures, and write card, predictions, report and plots.

    Out-of-fold predictions of the sandwich come from the stored members, each on its own fold; those of the
    table baselines from fitting them anew. The variants of the sandwich are not stored: their predictions are read
    from `predictions.csv`. A zoo may have grown since: subjects of its later groups are judged apart.
    Raises `NotAZoo`, `OtherZoo`.
    """
    meta = load_meta_classifier(model, device)
    every_row = read_index(zoo_folder)
    rows = [row for row in every_row if row.group < meta.card.zoo["groups"]]
    if meta.card.zoo["rows_sha256"] != _zoo_facts(rows)["rows_sha256"]:
        raise OtherZoo(f"{model} was trained on other subjects than those of {zoo_folder}; train it anew")
    zoo = Zoo.of(zoo_folder, [row for row in rows if not row.reserve])
    folds = make_folds(zoo.groups, zoo.configurations, meta.card.training.folds, meta.card.training.seed)
    stored = _read_predictions(model / PREDICTIONS)
    predictions = {SANDWICH: np.zeros(len(zoo.rows))}
    cohorts = load_cohorts(zoo_folder, zoo.rows, device)
    for member, fold in zip(meta.members, folds, strict=True):
        for cohort in among(cohorts, set(fold.test.tolist())):
            evidence = gather_evidence(member.sandwich, cohort.subjects, NOISE_SEED, DRAWS)
            probability = member.calibration.probability(score(evidence).mean(axis=1))
            predictions[SANDWICH][cohort.numbers.numpy()] = probability
    tables = tabular_baselines(zoo.rows, read_weights(zoo_folder, zoo.rows))
    for baseline in [*tables, placed_formulas(meta.card.sandwich, cohorts)]:
        predictions[baseline.name] = out_of_fold(baseline, zoo.labels, folds)
    predictions |= {method: values for method, values in stored.items() if method not in predictions}
    _write_predictions(model / PREDICTIONS, zoo, predictions)
    left_out = {scheme.value for scheme in one_sided_schemes(rows)}
    judged = zoo.judged(left_out)
    metrics = {
        name: _measure(zoo, values, judged).model_dump()
        for name, values in predictions.items()
        if name != SCHEME_LEFT_OUT
    }
    reserve = _reserve_metrics(meta, zoo_folder, rows, left_out, device)
    if reserve is not None:
        metrics["sandwich_on_reserve"] = reserve.model_dump()
    slices = {name: figures.model_dump() for name, figures in _slices(zoo, predictions, judged).items()}
    later = Zoo.of(zoo_folder, [row for row in every_row if row.group >= meta.card.zoo["groups"]])
    judged_later = _judge_later(meta, zoo, later, left_out, device, model / LATER)
    card = meta.card.model_copy(update={"metrics": metrics, "slices": slices, "later": judged_later})
    write_atomically(model / CARD, (card.model_dump_json(indent=2) + "\n").encode())
    write_report(model, card, zoo, predictions)
    return card


def _measure(zoo: Zoo, probability: NDArray[np.float64], kept: NDArray[np.bool_]) -> Metrics:
    return measure(probability[kept], zoo.labels[kept], zoo.long_accuracy[kept], zoo.groups[kept], THRESHOLD)


def _slices(zoo: Zoo, predictions: Mapping[str, NDArray[np.float64]], judged: NDArray[np.bool_]) -> dict[str, Metrics]:
    """The sandwich among some of the subjects, with labels at other cuts, and on schemes that it never saw."""
    probability = predictions[SANDWICH]
    matched = np.array([row.in_distribution_accuracy >= MATCHED for row in zoo.rows])
    certain = np.array([row.certain for row in zoo.rows])
    found = {
        f"in-distribution accuracy at least {MATCHED}": _measure(zoo, probability, judged & matched),
        "certain labels": _measure(zoo, probability, judged & certain),
    }
    for cut in OTHER_CUTS:
        labels = np.array([row.retest(cut).generalizer for row in zoo.rows])
        found[f"cut {cut:.2f}"] = _measure(replace(zoo, labels=labels), probability, judged)
    for scheme in np.unique(zoo.schemes):
        of_scheme = zoo.schemes == scheme
        found[f"{scheme}"] = _measure(zoo, probability, of_scheme)
        found[f"{scheme}, never seen"] = _measure(zoo, predictions[SCHEME_LEFT_OUT], of_scheme)
    return found


def _reserve_metrics(
    meta: MetaClassifier, folder: Path, rows: list[IndexRow], left_out: set[str], device: torch.device
) -> Metrics | None:
    """The whole ensemble on converged subjects of configurations that no fold ever saw."""
    reserve = Zoo.of(folder, [row for row in rows if row.reserve])
    if not reserve.rows:
        return None
    return _measure(reserve, _whole_ensemble(meta, reserve, device), reserve.judged(left_out))


def _whole_ensemble(meta: MetaClassifier, zoo: Zoo, device: torch.device) -> NDArray[np.float64]:
    probability = np.zeros(len(zoo.rows))
    for cohort in load_cohorts(zoo.folder, zoo.rows, device):
        probability[cohort.numbers.numpy()] = meta.predict(cohort.subjects).probability
    return probability


def _judge_later(
    meta: MetaClassifier, known: Zoo, later: Zoo, left_out: set[str], device: torch.device, path: Path
) -> dict[str, dict[str, object]]:
    """Figures on subjects built after the training, their predictions written to `path`; none where there are none."""
    if not later.rows:
        return {}
    predictions = {SANDWICH: _whole_ensemble(meta, later, device)}
    rows = [*known.rows, *later.rows]
    cohorts = load_cohorts(known.folder, rows, device)
    seen, new = np.split(np.arange(len(rows)), [len(known.rows)])
    fold = Fold(train=seen, validation=seen[:0], test=new)
    labels = np.concatenate([known.labels, later.labels])
    tables = tabular_baselines(rows, read_weights(known.folder, rows))
    for baseline in [*tables, placed_formulas(meta.card.sandwich, cohorts)]:
        predictions[baseline.name] = out_of_fold(baseline, labels, [fold])[new]
    _write_predictions(path, later, predictions)
    judged = later.judged(left_out)
    return {name: _measure(later, values, judged).model_dump() for name, values in predictions.items()}


def _check_size(zoo: Zoo) -> None:
    labels = zoo.labels
    if min(labels.sum(), (~labels).sum()) < 10:
        raise ZooTooSmall(
            f"the zoo has {labels.sum()} converged generalizers and {(~labels).sum()} converged others outside the "
            "reserve; at least 10 of each are needed: build more subjects"
        )


def _zoo_facts(rows: list[IndexRow]) -> dict[str, object]:
    converged = [row for row in rows if row.converged]
    what = "".join(f"{row.subject} {row.label:d}{row.converged:d}{row.reserve:d}\n" for row in rows)
    return {
        "groups": max(row.group for row in rows) + 1 if rows else 0,
        "rows_sha256": hashlib.sha256(what.encode()).hexdigest(),
        "subjects": len(rows),
        "converged": len(converged),
        "reserve": sum(row.reserve for row in rows),
        "generalizers": sum(row.label for row in converged),
        "one_sided_schemes": sorted(scheme.value for scheme in one_sided_schemes(rows)),
    }


def _write_predictions(path: Path, zoo: Zoo, predictions: Mapping[str, NDArray[np.float64]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FACTS, *predictions])
    for number, row in enumerate(zoo.rows):
        facts = (
            row.subject,
            row.group,
            row.scheme.value,
            int(row.label),
            round(row.in_distribution_accuracy, 5),
            "" if row.long_accuracy is None else round(row.long_accuracy, 5),
        )
        writer.writerow([*facts, *(f"{values[number]:.5f}" for values in predictions.values())])
    write_atomically(path, text.getvalue().encode())


def _read_predictions(path: Path) -> dict[str, NDArray[np.float64]]:
    """Predictions of every method in the file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name not in _FACTS}
