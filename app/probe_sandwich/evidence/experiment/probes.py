"""Probes of several kinds: the sandwich's own, and what could stand in for them."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.generator import one_hot_symbols
from probe_sandwich.sandwich.meta_classifier import judging_noise
from probe_sandwich.sandwich.training.recorded import fitting_noise
from probe_sandwich.sandwich.training.warm_up import start_sandwich
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.task import AnyTask

_FORMULA_SEED = 11
_LONGER_NOISE = 128


class ProbeKind(StrEnum):
    """What probes are."""

    SPELLED = "spelled"  # by a generator that was taught to write formulas
    NOISE = "noise"  # by a generator that was taught nothing
    REAL = "real"  # formulas of the task as long as the probes, their labels unknown
    LONGER = "longer"  # spelled formulas of 2T symbols, at their usual places
    LONGER_REAL = "longer-real"  # formulas of the task of 2T symbols, at their usual places


@dataclass(frozen=True)
class Probes:
    """Probes `symbols (draws, probes, length, symbols)`, and the noise behind them `(draws, probes, noise_dim)`."""

    symbols: Tensor
    noise: Tensor


@dataclass(frozen=True)
class ProbeSet:
    """Probes that readouts are fitted on, and others that they are judged on."""

    config: SandwichConfig
    fitting: Probes
    judging: Probes


def probe_set(kind: ProbeKind, config: SandwichConfig, training: SandwichTraining, task: AnyTask) -> ProbeSet:
    """The probes of one kind: the same ones for the same settings."""
    if kind in (ProbeKind.LONGER, ProbeKind.LONGER_REAL):
        config = config.model_copy(
            update={"probe_length": 2 * config.probe_length, "placements": (), "noise_dim": _LONGER_NOISE}
        )
    # One batch through the generator: a batch of another size may differ in the last digits.
    noise = torch.cat([fitting_noise(config, training), judging_noise(config, 1, DRAWS)[0]])
    if kind in (ProbeKind.REAL, ProbeKind.LONGER_REAL):
        config = config.model_copy(update={"readout_sees_noise": False})
        symbols = _real_formulas(config, len(noise), task)
    else:
        if kind is ProbeKind.NOISE:
            training = training.model_copy(update={"warm_up_steps": 0})
        generator = start_sandwich(config, training).generator
        with torch.inference_mode():
            symbols = generator(noise)
    fitting = training.fitting_draws
    return ProbeSet(config, Probes(symbols[:fitting], noise[:fitting]), Probes(symbols[fitting:], noise[fitting:]))


def _real_formulas(config: SandwichConfig, draws: int, task: AnyTask) -> Tensor:
    """Formulas as long as the probes, `(draws, probes, length, symbols)`."""
    formulas = sample_formulas(
        task, config.probe_length, config.probe_length, draws * config.probes, seed=_FORMULA_SEED
    )
    # Shuffled, as the two of a minimal pair stand side by side.
    order = np.random.default_rng(_FORMULA_SEED).permutation(len(formulas))
    symbols: Tensor = one_hot_symbols(formulas.ids[order]).unflatten(0, (draws, config.probes))
    return symbols
