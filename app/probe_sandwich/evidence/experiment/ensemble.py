"""What a saved ensemble says of the subjects of a zoo."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.options import DRAWS, NOISE_SEED
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, judging_noise, read_out, score
from probe_sandwich.sandwich.prediction import Prediction
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.zoo.cohorts import Cohort, among, load_cohorts


def whole_ensemble(meta: MetaClassifier, zoo: Zoo, device: torch.device, seed: int = NOISE_SEED) -> Prediction:
    """All members together, of subjects that none of them has seen; in the order of the zoo's rows."""
    cohorts = load_cohorts(zoo.folder, zoo.rows, device)
    order = np.argsort(np.concatenate([cohort.numbers.numpy() for cohort in cohorts]))
    return join_predictions([meta.predict(cohort.subjects, seed) for cohort in cohorts], order)


def join_predictions(parts: list[Prediction], order: NDArray[np.int64]) -> Prediction:
    """Predictions of several stacks as one, its subjects in the given order."""
    joined = (np.concatenate([getattr(part, field.name) for part in parts], axis=-1) for field in fields(Prediction))
    return Prediction(*(values[..., order] for values in joined))


def member_probabilities(meta: MetaClassifier, folds: Sequence[Fold], cohorts: Sequence[Cohort]) -> NDArray[np.float64]:
    """Out-of-fold probabilities `(subjects,)`, each from the one member that saw nothing of the subject's
    configuration."""
    probability = np.zeros(sum(len(cohort.subjects) for cohort in cohorts))
    noises = judging_noise(meta.card.sandwich, len(meta.members), DRAWS)
    for member, fold, noise in zip(meta.members, folds, noises, strict=True):
        for cohort in among(cohorts, set(fold.test.tolist())):
            scores = score(read_out(member.sandwich, cohort.subjects, noise))
            probability[cohort.numbers.numpy()] = member.calibration.probability(scores)
    return probability


def first_member_moments(meta: MetaClassifier, subjects: Subjects) -> NDArray[np.float64]:
    """Moments `(models, features)` of the responses to the first member's probes, averaged over its draws."""
    noise = judging_noise(meta.card.sandwich, len(meta.members), DRAWS)[0]
    moments = read_out(meta.members[0].sandwich, subjects, noise).moments
    return moments.mean(dim=1).cpu().double().numpy()
