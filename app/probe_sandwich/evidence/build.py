"""From a zoo to a meta-classifier folder."""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.arms import SANDWICH
from probe_sandwich.evidence.baselines import CONFIGURATION, HYBRID, WEIGHT_STATISTICS, hybrid, tabular_baselines
from probe_sandwich.evidence.evaluation import PREDICTIONS, evaluate_meta_classifier, measure_judged, zoo_facts
from probe_sandwich.evidence.experiment import Outcome, run_experiment
from probe_sandwich.evidence.predictions import write_predictions
from probe_sandwich.evidence.price import tokens_of_methods
from probe_sandwich.evidence.trust import student_quantile
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.sandwich.card import Card
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
) -> Card:
    """Train the ensemble with everything that it is compared with, and write the whole folder; or, in half the time,
    the ensemble alone, with its own out-of-fold figures.

    Run again after a stop, it goes on where it stood. `config`: the default one with probes of T symbols where not
    given. `progress` is called with the number of finished jobs and of all. Raises `NotAZoo`, `ZooTooSmall`,
    `TooFewConfigurations`, `NoiseTooNarrow`.
    """
    rows = read_index(zoo_folder)
    zoo = Zoo.of(zoo_folder, [row for row in rows if not row.reserve])
    _check_size(zoo)
    first = zoo.rows[0]
    config = config or SandwichConfig(probe_length=first.config.train_max_length)
    facts = zoo_facts(rows)
    settings = f"{facts}{config.model_dump_json()}{training.model_dump_json()}"
    work = out / f".unfinished-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"
    work.mkdir(parents=True, exist_ok=True)
    outcome = run_experiment(zoo, config, training, workers, device, work, progress, only_sandwich)
    tokens = tokens_of_methods(
        config, first.config.train_max_length, first.definition.formulas_per_bucket, training.folds
    )
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
        student_quantile=student_quantile(training.folds),
        zoo=facts,
        metrics={SANDWICH: measure_judged(zoo, outcome.predictions[SANDWICH], facts["one_sided_schemes"])},
        costs={
            "tokens": tokens,
            "training_seconds": {method: round(seconds, 1) for method, seconds in outcome.seconds.items()},
        },
        packages={package: version(package) for package in _PACKAGES},
        sha256="",
    )
    card = save_meta_classifier(out, outcome.members, card)
    if only_sandwich:
        write_predictions(out / PREDICTIONS, zoo, outcome.predictions)
    else:
        write_predictions(out / PREDICTIONS, zoo, outcome.predictions | {HYBRID: _hybrid(zoo, outcome, training)})
        card = evaluate_meta_classifier(zoo_folder, out, device, strangers)
    rmtree(work)
    return card


def _hybrid(zoo: Zoo, outcome: Outcome, training: SandwichTraining) -> NDArray[np.float64]:
    tables = tabular_baselines(zoo.rows, read_weights(zoo.folder, zoo.rows))
    beside = [table for table in tables if table.name in (CONFIGURATION, WEIGHT_STATISTICS)]
    return hybrid(outcome.held_out, outcome.predictions[SANDWICH], beside, zoo, zoo.folds(training))


def _check_size(zoo: Zoo) -> None:
    labels = zoo.labels
    if min(labels.sum(), (~labels).sum()) < 10:
        raise ZooTooSmall(
            f"the zoo has {labels.sum()} converged generalizers and {(~labels).sum()} converged others outside the "
            "reserve; at least 10 of each are needed: build more subjects"
        )
