"""What is compared: the sandwich's readout, trees on the same statistics, and what needs no probe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

from probe_sandwich.evidence.universal.part import Part, Split
from probe_sandwich.evidence.universal.table import Table
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS
from probe_sandwich.sandwich.calibration import Calibration, fit_calibration
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import head_scores
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.support import fit_support
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.readout_fit import fit_readout
from probe_sandwich.sandwich.training.recorded import Recording
from probe_sandwich.zoo.shards import IndexRow

SANDWICH, TREES, AGREEMENT = "sandwich", "trees on the same answers", "agreement, untrained"
CONFIGURATION, IN_DISTRIBUTION = "configuration and task", "in-distribution accuracy"
BARE = "sandwich, bare alphabet"
SHUFFLED, SEVERED = "sandwich, labels shuffled", "sandwich, answers severed"
_TREES = 400
_HELD_OUT_SHARE = 0.2


@dataclass(frozen=True)
class Method:
    """A name in print, whether it gives probabilities, and whether it is a control that must fail."""

    name: str
    calibrated: bool = False
    control: bool = False


METHODS = (
    Method(SANDWICH, calibrated=True),
    Method(BARE, calibrated=True),
    Method(TREES),
    Method(AGREEMENT),
    Method(CONFIGURATION),
    Method(IN_DISTRIBUTION),
    Method(SHUFFLED, control=True),
    Method(SEVERED, control=True),
)


@dataclass(frozen=True)
class Recordings:
    """Answers of the same subjects to the draws that readouts are fitted on, to those that they are judged on, and to
    random strings."""

    fitting: Recording
    judging: Recording
    bare: Recording


@dataclass(frozen=True)
class Rivals:
    """What every split reads: the recordings, statistics and moments `(subjects, features)` of the answers that judge,
    and the configurations as numbers `(subjects, facts)`."""

    table: Table
    recordings: Recordings
    statistics: NDArray[np.float64]
    moments: NDArray[np.float64]
    facts: NDArray[np.float64]

    @staticmethod
    def of(table: Table, recordings: Recordings, config: SandwichConfig) -> "Rivals":
        """Statistics are standardized on all subjects, which trees do not mind."""
        readout = Readout(config)
        channels = recordings.judging.channels
        readout.standardize_on(channels)
        with torch.inference_mode():
            prepared = readout.prepare(channels)
        statistics, moments = (part.mean(dim=1).double().numpy() for part in (prepared.statistics, prepared.moments))
        return Rivals(table, recordings, statistics, moments, configuration_facts(table.rows))

    def alike(self, split: Split, seed: int) -> NDArray[np.bool_]:
        """Which judged subjects lie within the support of the training part, whose limit some of its configurations
        set, `(judged,)`: those that a service would answer."""
        configurations = self.table.configurations[split.train]
        found = np.random.default_rng(seed).permutation(np.unique(configurations))
        held_out = np.isin(configurations, found[: max(1, round(_HELD_OUT_SHARE * len(found)))])
        support = fit_support(self.moments[split.train[~held_out]], self.moments[split.train[held_out]])
        distance = support.distance(torch.tensor(self.moments[split.test], dtype=torch.float32))
        inside: NDArray[np.bool_] = (distance <= support.limit).numpy()
        return inside

    def scores(
        self, split: Split, config: SandwichConfig, training: SandwichTraining, seed: int
    ) -> dict[str, NDArray[np.float64]]:
        """Of each method a score of the judged subjects, `(judged,)`."""
        train, test, labels = split.train, split.test, self.table.labels
        readout = fit(self.recordings.fitting, self.recordings.judging, train, config, training, seed)
        return {
            SANDWICH: readout.probability(self.recordings.judging, test),
            BARE: readout.probability(self.recordings.bare, test),
            TREES: trees(self.statistics, labels, train, test, seed),
            AGREEMENT: self.agreement[test],
            CONFIGURATION: trees(self.facts, labels, train, test, seed),
            IN_DISTRIBUTION: np.array([self.table.rows[number].in_distribution_accuracy for number in test]),
        }

    def control_scores(
        self, split: Split, config: SandwichConfig, training: SandwichTraining, seed: int
    ) -> dict[str, NDArray[np.float64]]:
        """Of the controls: labels exchanged between the training subjects, and answers that are the same for all."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self.table)))

        def shuffled(part: Recording) -> Recording:
            return replace(part, labels=part.labels[order], long_accuracy=part.long_accuracy[order])

        def severed(part: Recording) -> Recording:
            return replace(part, channels=part.channels[:1].expand_as(part.channels))

        scores = {}
        for name, change in ((SHUFFLED, shuffled), (SEVERED, severed)):
            fitting, judging = change(self.recordings.fitting), change(self.recordings.judging)
            readout = fit(fitting, judging, split.train, config, training, seed)
            scores[name] = readout.probability(judging, split.test)
        return scores

    @property
    def agreement(self) -> NDArray[np.float64]:
        """Mean agreement with the answers at the usual places, over placements and probes, `(subjects,)`."""
        agreement = self.recordings.judging.channels[:, :, 1:, :, ANSWER_CHANNELS.index("agreement")]
        mean: NDArray[np.float64] = agreement.mean(dim=(1, 2, 3)).double().numpy()
        return mean


@dataclass(frozen=True)
class FittedReadout:
    """A readout with its calibration."""

    readout: Readout
    calibration: Calibration

    def probability(self, recording: Recording, part: Part) -> NDArray[np.float64]:
        """P(generalizer) of some subjects, `(subjects,)`."""
        return self.calibration.probability(recorded_scores(self.readout, recording, part).mean(axis=0))


def fit(
    fitting: Recording,
    judging: Recording,
    train: Part,
    config: SandwichConfig,
    training: SandwichTraining,
    seed: int,
) -> FittedReadout:
    """A readout fitted on some subjects, and calibrated by what its blind heads say of them from other noise."""
    known = fitting.select(torch.from_numpy(train))
    blind = BlindHeads.assign(known.groups, config.heads, seed)
    readout = fit_readout(config, training, known, blind, seed)
    scores = blind.held_out(recorded_scores(readout, judging, train), known.groups)
    return FittedReadout(readout, fit_calibration(scores, known.labels.numpy() == 1))


def recorded_scores(readout: Readout, recording: Recording, part: Part) -> NDArray[np.float64]:
    """Scores `(heads, subjects)` of some recorded subjects."""
    with torch.inference_mode():
        return head_scores(readout(recording.channels[torch.from_numpy(part)], recording.noise))


def trees(
    features: NDArray[np.float64], labels: NDArray[np.bool_], train: Part, test: Part, seed: int
) -> NDArray[np.float64]:
    """Share of extremely randomized trees (Geurts et al. 2006) that call each judged subject a generalizer."""
    forest = ExtraTreesClassifier(_TREES, min_samples_leaf=2, max_features=0.3, random_state=seed, n_jobs=1)
    forest.fit(features[train], labels[train])
    share: NDArray[np.float64] = forest.predict_proba(features[test])[:, list(forest.classes_).index(True)]
    return share


def configuration_facts(rows: Sequence[IndexRow]) -> NDArray[np.float64]:
    """All that is known of subjects without asking them: architecture, training, T and task, one column a value."""
    facts = []
    for row in rows:
        config = row.config.model_dump(exclude={"vocabulary", "task", "symbols"})
        facts.append(config | row.training.model_dump() | {"task": row.config.task.name})
    table: NDArray[np.float64] = make_pipeline(DictVectorizer(sparse=False)).fit_transform(facts)
    return table
