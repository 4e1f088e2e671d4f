"""Recording the answers of all subjects, and fitting the members of the ensemble on them."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.evidence.universal.methods import Recordings, fit, recorded_scores
from probe_sandwich.evidence.universal.part import Part, by_configuration
from probe_sandwich.evidence.universal.settings import TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.sandwich.training.recorded import Recording, fitting_noise
from probe_sandwich.sandwich.training.warm_up import start_universal


def record_table(
    table: Table, device: torch.device, config: SandwichConfig = UNIVERSAL, training: SandwichTraining = TRAINING
) -> Recordings:
    """Answers of all subjects to the probes of an untrained selector: half of the draws to fit on, half to judge on."""
    sandwich = start_universal(config, training).to(device)
    noise = fitting_noise(config, training).to(device)
    whole = table.record(sandwich, noise, device)
    half = len(noise) // 2
    bare = table.record(sandwich, noise[half:], device, bare=True)
    return Recordings(whole.draws(0, half), whole.draws(half, len(noise)), bare)


def train_ensemble(
    table: Table,
    recordings: Recordings,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
) -> list[Member]:
    """One member a fold of the configurations outside the reserve, calibrated by its blind heads. Raises
    `TooFewConfigurations`."""
    members = []
    for number, split in enumerate(by_configuration(table, training.folds, training.seed)):
        fitted = fit(recordings.fitting, recordings.judging, split.train, config, training, number)
        sandwich = start_universal(config, training)
        sandwich.readout = fitted.readout
        known, unseen = (_moments(fitted.readout, recordings.judging, part) for part in (split.train, split.test))
        members.append(Member(sandwich.eval(), fitted.calibration, fit_support(known, unseen)))
    return members


def ensemble_probability(members: Sequence[Member], recording: Recording, part: Part) -> NDArray[np.float64]:
    """What all members together say of some recorded subjects, `(subjects,)`."""
    by_member = [
        member.calibration.probability(recorded_scores(member.sandwich.readout, recording, part).mean(axis=0))
        for member in members
    ]
    mean: NDArray[np.float64] = np.mean(by_member, axis=0)
    return mean


def _moments(readout: Readout, recording: Recording, part: Part) -> NDArray[np.float64]:
    with torch.inference_mode():
        moments: Tensor = readout(recording.channels[torch.from_numpy(part)], recording.noise).moments
    return moments.mean(dim=1).double().numpy()
