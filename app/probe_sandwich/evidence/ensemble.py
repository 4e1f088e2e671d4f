"""What a saved ensemble says of the subjects of a zoo."""

from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.options import DRAWS, NOISE_SEED
from probe_sandwich.sandwich.cohorts import Cohort, among, load_cohorts
from probe_sandwich.sandwich.meta_classifier import (
    MetaClassifier,
    Prediction,
    gather_evidence,
    judging_noise,
    score,
)
from probe_sandwich.subjects.subject import Subjects


def whole_ensemble(meta: MetaClassifier, zoo: Zoo, device: torch.device, seed: int = NOISE_SEED) -> Prediction:
    """All members together, of subjects that none of them has seen; in the order of the zoo's rows."""
    cohorts = load_cohorts(zoo.folder, zoo.rows, device)
    order = np.argsort(np.concatenate([cohort.numbers.numpy() for cohort in cohorts]))
    return join_predictions([meta.predict(cohort.subjects, seed) for cohort in cohorts], order)


def join_predictions(parts: list[Prediction], order: NDArray[np.int64]) -> Prediction:
    """Predictions of several stacks as one, its subjects in the given order."""
    joined = (np.concatenate([getattr(part, field.name) for part in parts], axis=-1) for field in fields(Prediction))
    return Prediction(*(values[..., order] for values in joined))


def out_of_fold(meta: MetaClassifier, zoo: Zoo, cohorts: list[Cohort]) -> NDArray[np.float64]:
    """Probabilities `(subjects,)`, each from the one member that saw nothing of the subject's configuration."""
    probability = np.zeros(len(zoo.rows))
    noises = judging_noise(meta.card.sandwich, len(meta.members), DRAWS)
    for member, fold, noise in zip(meta.members, zoo.folds(meta.card.training), noises, strict=True):
        for cohort in among(cohorts, set(fold.test.tolist())):
            scores = score(gather_evidence(member.sandwich, cohort.subjects, noise))
            probability[cohort.numbers.numpy()] = member.calibration.probability(scores)
    return probability


def first_member_moments(meta: MetaClassifier, subjects: Subjects) -> NDArray[np.float64]:
    """Moments `(models, features)` of the responses to the first member's probes, averaged over its draws."""
    noise = judging_noise(meta.card.sandwich, len(meta.members), DRAWS)[0]
    moments = gather_evidence(meta.members[0].sandwich, subjects, noise).moments
    return moments.mean(dim=1).cpu().double().numpy()
