"""Recording the answers of all subjects, and fitting the members of the ensemble on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.evidence.universal.labelled import Labelled
from probe_sandwich.evidence.universal.methods import Recordings, Rivals, recorded_scores
from probe_sandwich.evidence.universal.part import JudgedSplit, Part, by_configuration
from probe_sandwich.evidence.universal.settings import TRAINING, UNIVERSAL
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.evidence.universal.workers import RunOfJobs, workers_that_read
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.sandwich.training.recorded import Recording, fitting_noise, join_recordings, record_answers
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.zoo.cohorts import stack_of

_PARTS = 16
"""In which the subjects of a table are asked, so that no process waits long for the last."""


@dataclass(frozen=True)
class TableAnswers:
    """What is recorded of the subjects of a table: answers to probes, and what rivals see."""

    recordings: Recordings
    labelled: Labelled


def ask_all(
    table: Table,
    device: torch.device,
    config: SandwichConfig = UNIVERSAL,
    training: SandwichTraining = TRAINING,
    workers: int = 1,
    progress: Callable[[int], None] = lambda asked: None,
) -> TableAnswers:
    """Ask all subjects, some in each of so many processes; `progress` is told how many have been asked."""
    # Those of one shape, T and task together, as they run as one stack.
    alike = sorted(range(len(table)), key=lambda number: str((table.folders[number], *stack_of(table.rows[number]))))
    parts = [np.sort(part) for part in np.array_split(alike, min(_PARTS, len(table)))]
    with workers_that_read(table, workers) as run:
        asked: list[TableAnswers] = []
        for one in run([partial(_ask, part, device, config, training) for part in parts]):
            asked.append(one)
            progress(sum(map(len, parts[: len(asked)])))
    order = np.concatenate(parts).argsort()
    return TableAnswers(
        Recordings(
            join_recordings([one.recordings.drawn for one in asked]),
            join_recordings([one.recordings.bare for one in asked]),
        ),
        Labelled(
            np.concatenate([one.labelled.placed for one in asked])[order],
            np.concatenate([one.labelled.answers for one in asked])[order],
            np.concatenate([one.labelled.truth for one in asked])[order],
        ),
    )


def _ask(
    part: Part, device: torch.device, config: SandwichConfig, training: SandwichTraining, table: Table
) -> TableAnswers:
    """Answers of some subjects to the probes of an untrained selector, and what rivals see of them."""
    prober = start_universal(config, training).prober.to(device)
    noise = fitting_noise(config, training).to(device)
    cohorts = table.cohorts(part, device)
    bare = record_answers(prober, cohorts, noise, bare=True)
    recordings = Recordings(record_answers(prober, cohorts, noise), bare)
    return TableAnswers(recordings, Labelled.of(cohorts, part, prober))


def train_ensemble(
    run: RunOfJobs, table: Table, config: SandwichConfig = UNIVERSAL, training: SandwichTraining = TRAINING
) -> list[Member]:
    """One member a fold of the configurations outside the reserve, calibrated by its blind heads; `run` reads `Rivals`.
    Raises `TooFewConfigurations`."""
    splits = enumerate(by_configuration(table, training.folds, training.seed))
    return list(run([partial(_member, split, config, training, number) for number, split in splits]))


def _member(
    split: JudgedSplit, config: SandwichConfig, training: SandwichTraining, number: int, rivals: Rivals
) -> Member:
    fitted = rivals.fit(split.train, config, training, number)
    drawn = rivals.recordings.drawn
    known, unseen = (_moments(fitted.readout, drawn, part) for part in (split.train, split.test))
    return Member(fitted.readout, fitted.calibration, fit_support(known, unseen))


def ensemble_probability(members: Sequence[Member], recording: Recording, part: Part) -> NDArray[np.float64]:
    """What all members together say of some recorded subjects, `(subjects,)`."""
    some = recording.select(torch.from_numpy(part))
    by_member = [
        member.calibration.probability(recorded_scores(member.readout, some).mean(axis=0)) for member in members
    ]
    mean: NDArray[np.float64] = np.mean(by_member, axis=0)
    return mean


def _moments(readout: Readout, recording: Recording, part: Part) -> NDArray[np.float64]:
    with torch.inference_mode():
        moments: Tensor = readout(recording.channels[torch.from_numpy(part)]).moments
    return moments.mean(dim=1).double().numpy()
