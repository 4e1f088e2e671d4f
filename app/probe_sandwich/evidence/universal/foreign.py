"""The foreign test set: converged subjects of other people's architectures, judged by the whole ensemble."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.universal.ensemble import ensemble_probability
from probe_sandwich.evidence.universal.figures import Facts
from probe_sandwich.evidence.universal.labelled import BUDGETS, Labelled, long_answers, placed_accuracy
from probe_sandwich.evidence.universal.methods import (
    AGREEMENT,
    AGREEMENT_TREES,
    IN_DISTRIBUTION,
    PLACED,
    SANDWICH,
    TREES,
    Rivals,
    agreement,
    agreement_statistics,
    direct_test,
    read_statistics,
)
from probe_sandwich.sandwich.meta_classifier import Member
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.sandwich.training.recorded import Recording
from probe_sandwich.zoo.foreign.config import Family
from probe_sandwich.zoo.foreign.store import ForeignRow, read_rows, read_subject, weights_path

FOREIGN = "foreign"


@dataclass(frozen=True)
class Foreign:
    """Converged subjects of a foreign test set: their rows, their answers as a `Recording`, and what rivals see."""

    rows: list[ForeignRow]
    recording: Recording
    labelled: Labelled

    @staticmethod
    def of(folder: Path, prober: Prober, noise: torch.Tensor) -> "Foreign | None":
        """Asked one by one, on the CPU, about the probes that `noise (draws, probes, noise_dim)` selects; None where
        none can be asked: weights may have been left out, and Hugging Face's architectures need the extra `hf`."""
        rows = [row for row in read_rows(folder) if row.converged and _can_be_asked(folder, row)]
        if not rows:
            return None
        channels, placed, answers, truth = [], [], [], []
        for row in rows:
            subject = read_subject(folder, row)
            with torch.inference_mode():
                channels.append(prober.ask(subject, noise).channels())
            placed.append(placed_accuracy(prober, subject))
            said, true = long_answers(subject)
            answers.append(said)
            truth.append(true)
        count = torch.arange(len(rows))
        recording = Recording(
            torch.cat(channels),
            noise,
            torch.tensor([float(row.label) for row in rows]),
            torch.tensor([0.5 if row.long_accuracy is None else row.long_accuracy for row in rows]),
            count,
            count,
        )
        return Foreign(
            rows, recording, Labelled(np.concatenate(placed), np.concatenate(answers), np.concatenate(truth))
        )

    @property
    def facts(self) -> Facts:
        """What is known of them; each is a configuration of its own."""
        labels, long_accuracy = self.recording.labels.numpy() == 1, self.recording.long_accuracy.double().numpy()
        tasks = np.array([row.config.task.name for row in self.rows], str)
        return Facts(labels, long_accuracy, self.recording.groups.numpy(), tasks)

    def scores(self, rivals: Rivals, members: Sequence[Member]) -> dict[str, NDArray[np.float64]]:
        """Of each method that needs no configuration a score, `(subjects,)`; trees are fitted on the whole table."""
        whole, config = np.arange(len(rivals.table)), rivals.standard.config
        statistics, _ = read_statistics(rivals.standard, self.recording)
        return {
            SANDWICH: ensemble_probability(members, self.recording, np.arange(len(self.rows))),
            TREES: rivals.trees(rivals.statistics, whole, 0)(statistics),
            AGREEMENT_TREES: rivals.trees(rivals.agreement, whole, 0)(agreement_statistics(self.recording, config)),
            AGREEMENT: agreement(self.recording, config),
            IN_DISTRIBUTION: np.array([row.in_distribution_accuracy for row in self.rows]),
            PLACED: self.labelled.placed,
            **{direct_test(budget): self.labelled.direct_test(budget) for budget in BUDGETS},
        }

    def alike(self, rivals: Rivals) -> NDArray[np.bool_]:
        """Which of them a service would not find too unlike the table's subjects, `(subjects,)`."""
        _, moments = read_statistics(rivals.standard, self.recording)
        return rivals.alike(np.arange(len(rivals.table)), moments, 0)


def _can_be_asked(folder: Path, row: ForeignRow) -> bool:
    built = row.config.family is Family.PLAIN or find_spec("transformers") is not None
    return built and weights_path(folder, row.number).exists()
