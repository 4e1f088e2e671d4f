"""Subjects that a zoo does not cover: trained on purpose, or made from its own."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from probe_sandwich.evidence.experiment.ensemble import join_predictions
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.abstaining import Withholding, withholding
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.sandwich.prediction import Prediction
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.transformer import SubjectStack, initial_weights, join, on_device
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.cohorts import load_cohorts
from probe_sandwich.zoo.recipe import RECIPES, Group, manifest
from probe_sandwich.zoo.shards import read_index

_SEEDS, _FIRST_INDEX, _MADE_OF_A_SHAPE = 3, 900, 4
FAMILIAR = "the zoo's own reserve"
OTHER_TASK, TWICE_THE_SIZE = "another task (cnf)", "twice the width and depth"


def stranger_groups() -> list[Group]:
    """Configurations to train: conjunctive normal forms instead of conjunctions, and Transformers of twice the width
    and depth."""
    cnf = manifest(RECIPES[TaskName.CNF].model_copy(update={"groups": 4}))
    usual = manifest(RECIPES[TaskName.CONJUNCTION].model_copy(update={"groups": 4}))
    large = [_twice(group) for group in (usual[0], usual[3])]
    return [_few_seeds(group, _FIRST_INDEX + number) for number, group in enumerate([cnf[0], cnf[3], *large])]


def kind_of(config: SubjectConfig) -> str:
    """What is strange about a subject of `stranger_groups`."""
    return TWICE_THE_SIZE if config.task.name is TaskName.CONJUNCTION else OTHER_TASK


def with_shuffled_weights(subjects: SubjectStack, seed: int) -> SubjectStack:
    """The entries of every tensor of each subject in another order: same statistics, no function."""
    random = torch.Generator().manual_seed(seed)
    weights = {}
    for name, weight in subjects.weights.items():
        flat = weight.flatten(1).cpu()
        order = torch.stack([torch.randperm(flat.shape[1], generator=random) for _ in range(len(flat))])
        weights[name] = flat.gather(1, order).view(weight.shape).to(weight.device)
    return SubjectStack.of(subjects.configs, weights)


def freshly_initialized(subjects: SubjectStack, seed: int) -> SubjectStack:
    """Untrained subjects of the same configurations."""
    random = torch.Generator().manual_seed(seed)
    fresh = [(config, initial_weights(config, random)) for config in subjects.configs]
    return join([(config, on_device(weights, subjects.device)) for config, weights in fresh])


def withheld_from_strangers(
    meta: MetaClassifier, familiar: Zoo, folder: Path | None, device: torch.device
) -> dict[str, Withholding]:
    """From which subjects unlike the zoo's a verdict is withheld, by kind, and from the `familiar` ones of which some
    kinds are made. `folder`: a zoo of `stranger_groups`.

    The task is not looked at here: a service refuses another task's subjects before it runs the sandwich.
    """
    found: dict[str, list[Prediction]] = defaultdict(list)
    for kind, subjects in _all_kinds(familiar, folder, device):
        found[kind].append(meta.predict(subjects))
    summaries = {}
    for kind, predictions in found.items():
        order = np.arange(sum(len(one.probability) for one in predictions))
        summaries[kind] = withholding(join_predictions(predictions, order), meta.card.threshold)
    return summaries


def _all_kinds(familiar: Zoo, folder: Path | None, device: torch.device) -> Iterator[tuple[str, SubjectStack]]:
    for number, cohort in enumerate(load_cohorts(familiar.folder, familiar.rows, device)):
        yield FAMILIAR, cohort.subjects
        few = cohort.subjects.select(list(range(min(_MADE_OF_A_SHAPE, len(cohort.subjects)))))
        yield "shuffled weights", with_shuffled_weights(few, number)
        yield "freshly initialized", freshly_initialized(few, number)
    unconverged = [row for row in read_index(familiar.folder) if not row.converged and row.row is not None]
    for cohort in load_cohorts(familiar.folder, unconverged, device):
        yield "not converged", cohort.subjects
    if folder is not None:
        converged = [row for row in read_index(folder) if row.converged]
        for cohort in load_cohorts(folder, converged, device):
            yield kind_of(cohort.subjects.configs[0]), cohort.subjects


def _few_seeds(group: Group, index: int) -> Group:
    return replace(group, index=index, seeds=tuple(index * 1000 + number for number in range(_SEEDS)), reserve=False)


def _twice(group: Group) -> Group:
    sizes = {name: 2 * getattr(group.config, name) for name in ("d_model", "layers", "heads", "d_ff")}
    # Deeper ones need a lower rate to converge.
    training = group.training.model_copy(update={"learning_rate": group.training.learning_rate / 3})
    return replace(group, config=group.config.model_copy(update=sizes), training=training)
