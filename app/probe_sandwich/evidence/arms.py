"""What is compared: the sandwich, and sandwiches that lack something, each over the same folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.evidence.folds import Fold, leave_one_scheme_out, thinned
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.generator import one_hot_symbols
from probe_sandwich.sandwich.kept import Kept
from probe_sandwich.sandwich.meta_classifier import judging_noise
from probe_sandwich.sandwich.training import kept_noise, start_sandwich
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.task import AnyTask

SANDWICH, SCHEME_LEFT_OUT, SHUFFLED, SEVERED = "sandwich", "scheme_left_out", "shuffled_labels", "severed_responses"
USUAL_PLACES, NOT_TRAINED, LONGER_PROBES = "usual_places", "generator_not_trained", "longer_probes"
REAL_FORMULAS, NOISE_PROBES = "real_formulas", "noise_probes"
PARTS_OF_THE_ZOO = {"half_of_the_zoo": 0.5, "quarter_of_the_zoo": 0.25, "eighth_of_the_zoo": 0.125}
CONTROLS = (SHUFFLED, SEVERED, "noise_hidden", LONGER_PROBES, f"longer_{REAL_FORMULAS}", *PARTS_OF_THE_ZOO)
"""Arms that show what must fail, what is left out, or what more would bring; the others are compared as methods."""
_FORMULA_SEED, _SHUFFLE_SEED = 11, 13
_LONGER_NOISE = 128


class Asked(StrEnum):
    """What the probes are."""

    SPELLED = "spelled"  # by a generator that was taught to write formulas
    NOISE = "noise"  # by a generator that was taught nothing
    REAL = "real"  # formulas of the task as long as the probes, their labels not told
    LONGER = "longer"  # spelled formulas of 2T symbols, at their usual places
    LONGER_REAL = "longer-real"  # formulas of the task of 2T symbols, at their usual places


@dataclass(frozen=True)
class Questions:
    """Probes `(draws, probes, length, symbols)` with the noise behind them `(draws, probes, noise_dim)`: first the
    draws that readouts are fitted on, then those that they are judged on."""

    config: SandwichConfig
    symbols: Tensor
    noise: Tensor


def questions(asked: Asked, config: SandwichConfig, training: SandwichTraining, task: AnyTask) -> Questions:
    """The probes of one kind."""
    if asked in (Asked.LONGER, Asked.LONGER_REAL):
        config = config.model_copy(
            update={"probe_length": 2 * config.probe_length, "placements": (), "noise_dim": _LONGER_NOISE}
        )
    noise = torch.cat([kept_noise(config, training), judging_noise(config, 1, DRAWS)[0]])
    if asked in (Asked.REAL, Asked.LONGER_REAL):
        config = config.model_copy(update={"readout_sees_noise": False})
        formulas = sample_formulas(
            task, config.probe_length, config.probe_length, len(noise) * config.probes, seed=_FORMULA_SEED
        )
        # Shuffled, as the two of a minimal pair stand side by side.
        order = np.random.default_rng(_FORMULA_SEED).permutation(len(formulas))
        symbols = one_hot_symbols(formulas.ids[order])
        return Questions(config, symbols.unflatten(0, (len(noise), config.probes)), noise)
    if asked is Asked.NOISE:
        training = training.model_copy(update={"warm_up_steps": 0})
    generator = start_sandwich(config, training).generator
    with torch.inference_mode():
        return Questions(config, generator(noise), noise)


def unchanged(kept: Kept) -> Kept:
    """Responses and labels as they are."""
    return kept


def shuffle_labels(kept: Kept) -> Kept:
    """Labels and long accuracies exchanged between subjects: nothing is left to find."""
    order = torch.from_numpy(shuffling(len(kept.labels)))
    return replace(kept, labels=kept.labels[order], long_accuracy=kept.long_accuracy[order])


def shuffling(subjects: int) -> NDArray[np.int64]:
    """Whose label each subject gets in the shuffled arm, `(subjects,)`."""
    return np.random.default_rng(_SHUFFLE_SEED).permutation(subjects)


def sever(kept: Kept) -> Kept:
    """Every subject answers like the average of all."""
    return replace(kept, channels=kept.channels.mean(dim=0, keepdim=True).expand_as(kept.channels))


@dataclass(frozen=True)
class Arm:
    """A readout fitted on kept responses, and judged over some folds."""

    name: str
    asked: Asked
    folds: Sequence[Fold]
    usual_places_only: bool = False
    sees_noise: bool = True
    change: Callable[[Kept], Kept] = unchanged


def arms(zoo: Zoo, config: SandwichConfig, training: SandwichTraining) -> list[Arm]:
    """All arms of the experiment that need no training through the subjects."""
    folds = zoo.folds(training)
    return [
        Arm(NOT_TRAINED, Asked.SPELLED, folds),
        Arm(NOISE_PROBES, Asked.NOISE, folds),
        Arm(REAL_FORMULAS, Asked.REAL, folds),
        Arm(f"{REAL_FORMULAS}_usual_places", Asked.REAL, folds, usual_places_only=True),
        Arm(LONGER_PROBES, Asked.LONGER, folds),
        Arm(f"longer_{REAL_FORMULAS}", Asked.LONGER_REAL, folds),
        Arm("noise_hidden", Asked.SPELLED, folds, sees_noise=False),
        Arm(SHUFFLED, Asked.SPELLED, folds, change=shuffle_labels),
        Arm(SEVERED, Asked.SPELLED, folds, change=sever),
        *(
            Arm(
                name,
                Asked.SPELLED,
                [thinned(fold, zoo.groups, share, config.heads, training.seed) for fold in folds],
            )
            for name, share in PARTS_OF_THE_ZOO.items()
        ),
        Arm(SCHEME_LEFT_OUT, Asked.SPELLED, leave_one_scheme_out(zoo.schemes)),
    ]
