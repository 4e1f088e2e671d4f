"""What is compared: sandwiches that lack something, each over folds of its own or the shared ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.folds import Fold, leave_one_scheme_out, thinned
from probe_sandwich.evidence.experiment.methods import (
    LONGER_PROBES,
    LONGER_REAL_FORMULAS,
    NOISE_HIDDEN,
    NOISE_PROBES,
    NOT_TRAINED,
    PARTS_OF_THE_ZOO,
    REAL_FORMULAS,
    REAL_FORMULAS_USUAL_PLACES,
    SCHEME_LEFT_OUT,
    SEVERED,
    SHUFFLED,
)
from probe_sandwich.evidence.experiment.probes import ProbeKind
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.training.recorded import Recording

_SHUFFLE_SEED = 13


def unchanged(recording: Recording) -> Recording:
    """Responses and labels as they are."""
    return recording


def shuffle_labels(recording: Recording) -> Recording:
    """Labels and long accuracies exchanged between subjects: nothing is left to find."""
    order = torch.from_numpy(shuffling(len(recording.labels)))
    return replace(recording, labels=recording.labels[order], long_accuracy=recording.long_accuracy[order])


def shuffling(subjects: int) -> NDArray[np.int64]:
    """Whose label each subject gets in the shuffled arm, `(subjects,)`."""
    return np.random.default_rng(_SHUFFLE_SEED).permutation(subjects)


def sever(recording: Recording) -> Recording:
    """Every subject answers like the average of all."""
    return replace(recording, channels=recording.channels.mean(dim=0, keepdim=True).expand_as(recording.channels))


@dataclass(frozen=True)
class Arm:
    """A readout that is fitted on recorded responses to probes of one kind, and judged over some folds."""

    name: str
    probes: ProbeKind
    folds: Sequence[Fold]
    usual_places_only: bool = False
    sees_noise: bool = True
    change: Callable[[Recording], Recording] = unchanged


def arms(zoo: Zoo, folds: Sequence[Fold], config: SandwichConfig, training: SandwichTraining) -> list[Arm]:
    """All arms of the experiment that need no training through the subjects; `folds` are the sandwich's."""
    spelled, real = ProbeKind.SPELLED, ProbeKind.REAL
    parts = {
        name: [thinned(fold, zoo.groups, share, config.heads, training.seed) for fold in folds]
        for name, share in PARTS_OF_THE_ZOO.items()
    }
    return [
        Arm(NOT_TRAINED, spelled, folds),
        Arm(NOISE_PROBES, ProbeKind.NOISE, folds),
        Arm(REAL_FORMULAS, real, folds),
        Arm(REAL_FORMULAS_USUAL_PLACES, real, folds, usual_places_only=True),
        Arm(LONGER_PROBES, ProbeKind.LONGER, folds),
        Arm(LONGER_REAL_FORMULAS, ProbeKind.LONGER_REAL, folds),
        Arm(NOISE_HIDDEN, spelled, folds, sees_noise=False),
        Arm(SHUFFLED, spelled, folds, change=shuffle_labels),
        Arm(SEVERED, spelled, folds, change=sever),
        *(Arm(name, spelled, thin) for name, thin in parts.items()),
        Arm(SCHEME_LEFT_OUT, spelled, leave_one_scheme_out(zoo.schemes)),
    ]
