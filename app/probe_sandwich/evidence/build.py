"""From a zoo to a meta-classifier folder."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.evaluation import evaluate_meta_classifier
from probe_sandwich.evidence.experiment.baselines import tabular_baselines
from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.hybrid import hybrid
from probe_sandwich.evidence.experiment.methods import CONFIGURATION, HYBRID, SANDWICH, WEIGHT_STATISTICS
from probe_sandwich.evidence.experiment.run import ExperimentResult, run_experiment
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.comparison import measure_judged
from probe_sandwich.evidence.figures.evidence import Costs, Evidence, write_evidence
from probe_sandwich.evidence.figures.tokens import tokens_of_methods
from probe_sandwich.evidence.figures.trust import student_quantile
from probe_sandwich.evidence.parts import zoo_facts
from probe_sandwich.evidence.report.predictions import PREDICTIONS, write_predictions
from probe_sandwich.sandwich.card import Card, ZooFacts
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import save_meta_classifier
from probe_sandwich.zoo.shards import read_index, read_weights

THRESHOLD = 0.5
_PACKAGES = ("probe-sandwich", "torch", "numpy", "scikit-learn", "safetensors")


class ZooTooSmall(ValueError):
    """A zoo holds too few converged subjects of either label to train and judge on."""


def train_meta_classifier(
    zoo_folder: Path,
    out: Path,
    workers: int,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
    config: SandwichConfig | None = None,
    training: SandwichTraining = SandwichTraining(),
    strangers: Path | None = None,
    only_sandwich: bool = False,
) -> Evidence:
    """Train the ensemble with everything that it is compared with, and write the whole folder; or, in half the time,
    the ensemble alone, with its own out-of-fold figures.

    Run again after a stop, it goes on where it stood. `config`: the default one with probes of T symbols where not
    given. `progress` is called with the number of finished jobs and of all. Raises `NotAZoo`, `ZooTooSmall`,
    `TooFewConfigurations`, `NoiseTooNarrow`.
    """
    rows = read_index(zoo_folder)
    zoo = Zoo.of(zoo_folder, [row for row in rows if not row.reserve])
    _check_size(zoo)
    config = config or SandwichConfig(probe_length=zoo.rows[0].config.train_max_length)
    facts, folds = zoo_facts(rows), zoo.folds(training)
    work = _work_folder(out, facts, config, training)
    found = run_experiment(zoo, folds, config, training, workers, device, work, progress, only_sandwich)
    evidence = _first_evidence(zoo, facts, config, training, found)
    save_meta_classifier(out, found.members, _card(out.name, zoo, facts, config, training, evidence))
    write_evidence(out, evidence)
    if only_sandwich:
        write_predictions(out / PREDICTIONS, zoo, found.predictions)
    else:
        write_predictions(out / PREDICTIONS, zoo, found.predictions | {HYBRID: _hybrid(zoo, found, folds)})
        evidence = evaluate_meta_classifier(zoo_folder, out, device, strangers)
    rmtree(work)
    return evidence


def _work_folder(out: Path, facts: ZooFacts, config: SandwichConfig, training: SandwichTraining) -> Path:
    """Where finished jobs of this zoo and these settings lie."""
    settings = f"{facts.model_dump_json()}{config.model_dump_json()}{training.model_dump_json()}"
    work = out / f".unfinished-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"
    work.mkdir(parents=True, exist_ok=True)
    return work


def _first_evidence(
    zoo: Zoo, facts: ZooFacts, config: SandwichConfig, training: SandwichTraining, found: ExperimentResult
) -> Evidence:
    """What is known right after the training: the sandwich's own figures, and what everything cost."""
    first = zoo.rows[0]
    formulas = first.definition.formulas_per_bucket
    return Evidence(
        out_of_fold={SANDWICH: measure_judged(zoo, found.predictions[SANDWICH], facts.one_sided_schemes)},
        costs=Costs(
            tokens=tokens_of_methods(config, first.config.train_max_length, formulas, training.folds),
            training_seconds={method: round(seconds, 1) for method, seconds in found.seconds.items()},
        ),
    )


def _card(
    name: str, zoo: Zoo, facts: ZooFacts, config: SandwichConfig, training: SandwichTraining, evidence: Evidence
) -> Card:
    """The card but for what saving the members adds to it."""
    first = zoo.rows[0]
    return Card(
        name=name,
        task=first.config.task,
        train_max_length=first.config.train_max_length,
        definition=first.definition.model_copy(update={"formulas_per_bucket": 1000}),
        threshold=THRESHOLD,
        sandwich=config,
        training=training,
        calibrations=[],
        support_limits=[],
        student_quantile=student_quantile(training.folds),
        zoo=facts,
        track_record=evidence.track_record,
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )


def _hybrid(zoo: Zoo, found: ExperimentResult, folds: Sequence[Fold]) -> NDArray[np.float64]:
    tables = tabular_baselines(zoo.rows, read_weights(zoo.folder, zoo.rows))
    beside = [table for table in tables if table.name in (CONFIGURATION, WEIGHT_STATISTICS)]
    return hybrid(found.held_out, found.predictions[SANDWICH], beside, zoo, folds)


def _check_size(zoo: Zoo) -> None:
    labels = zoo.labels
    if min(labels.sum(), (~labels).sum()) < 10:
        raise ZooTooSmall(
            f"the zoo has {labels.sum()} converged generalizers and {(~labels).sum()} converged others outside the "
            "reserve; at least 10 of each are needed: build more subjects"
        )
