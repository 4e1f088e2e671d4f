"""What is compared: the sandwich's readout, trees on the same statistics, and what needs no probe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline
from torch import Tensor

from probe_sandwich.evidence.universal.labelled import BUDGETS, Labelled
from probe_sandwich.evidence.universal.part import JudgedSplit, Part
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
from probe_sandwich.verdict import UNLIKE
from probe_sandwich.zoo.shards import IndexRow

SANDWICH, TREES, AGREEMENT = "sandwich", "trees on the same answers", "agreement, untrained"
NO_LAYERS = "sandwich's trees, without its layers"
AGREEMENT_TREES = "trees on agreement alone"
CONFIGURATION, IN_DISTRIBUTION = "configuration and task", "in-distribution accuracy"
BOTH = "configuration, task and in-distribution accuracy"
MAJORITY = "the zoo's majority, unlabelled long inputs"
PLACED = "labelled inputs at the same places"
BARE = "sandwich, bare alphabet"
SHUFFLED, SEVERED = "sandwich, labels shuffled", "sandwich, answers severed"
_TREES, _LEAST_LEAF = 200, 5
_HELD_OUT_SHARE = 0.2


Reader = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From features `(subjects, features)` to scores `(subjects,)`."""


@dataclass(frozen=True)
class Method:
    """A name in print, whether it gives probabilities, whether it sees labels of the judged subject's task, and whether
    it is a control that must fail."""

    name: str
    calibrated: bool = False
    labelled: bool = False
    control: bool = False


def direct_test(budget: int) -> str:
    """The name of the direct test with so many inputs."""
    return f"direct test, {budget} labelled long inputs"


METHODS = (
    Method(SANDWICH, calibrated=True),
    Method(BARE, calibrated=True),
    Method(TREES, calibrated=True),
    Method(NO_LAYERS, calibrated=True),
    Method(AGREEMENT_TREES, calibrated=True),
    Method(AGREEMENT),
    Method(MAJORITY),
    Method(CONFIGURATION, calibrated=True),
    Method(IN_DISTRIBUTION, labelled=True),
    Method(BOTH, calibrated=True, labelled=True),
    Method(PLACED, labelled=True),
    *(Method(direct_test(budget), labelled=True) for budget in BUDGETS),
    Method(SHUFFLED, control=True),
    Method(SEVERED, control=True),
)


@dataclass(frozen=True)
class Recordings:
    """Answers of the same subjects to inputs drawn from their tasks, and to random strings."""

    drawn: Recording
    bare: Recording


@dataclass(frozen=True)
class Rivals:
    """What every split reads: the recordings; of the answers to drawn inputs, statistics, moments and how far they
    agree with those at the usual places, `(subjects, features)` each; configurations as numbers, `(subjects, facts)`;
    and scores that need no training, by method."""

    table: Table
    recordings: Recordings
    statistics: NDArray[np.float64]
    moments: NDArray[np.float64]
    agreement: NDArray[np.float64]
    facts: NDArray[np.float64]
    standard: Readout
    """Fresh, with all subjects' location and scale."""
    untrained: dict[str, NDArray[np.float64]]

    @staticmethod
    def of(table: Table, recordings: Recordings, labelled: Labelled, config: SandwichConfig) -> "Rivals":
        """Statistics are standardized on all subjects, which trees do not mind."""
        readout = Readout(config)
        readout.standardize_on(recordings.drawn.channels)
        statistics, moments = read_statistics(readout, recordings.drawn)
        untrained = {
            AGREEMENT: agreement(recordings.drawn, config),
            MAJORITY: labelled.with_majority(table),
            IN_DISTRIBUTION: np.array([row.in_distribution_accuracy for row in table.rows]),
            PLACED: labelled.placed,
            **{direct_test(budget): labelled.direct_test(budget) for budget in BUDGETS},
        }
        agreed = agreement_statistics(recordings.drawn, config)
        facts = configuration_facts(table.rows)
        return Rivals(table, recordings, statistics, moments, agreed, facts, readout, untrained)

    def alike(self, train: Part, moments: NDArray[np.float64], seed: int) -> NDArray[np.bool_]:
        """Which subjects of `moments (subjects, features)` a service would not find too unlike the training part, some
        of whose configurations set the limit."""
        configurations = self.table.configurations[train]
        found = np.random.default_rng(seed).permutation(np.unique(configurations))
        held_out = np.isin(configurations, found[: max(1, round(_HELD_OUT_SHARE * len(found)))])
        support = fit_support(self.moments[train[~held_out]], self.moments[train[held_out]])
        distance = support.distance(torch.tensor(moments, dtype=torch.float32))
        inside: NDArray[np.bool_] = (distance <= UNLIKE * support.limit).numpy()
        return inside

    def scores(
        self, split: JudgedSplit, config: SandwichConfig, training: SandwichTraining, seed: int
    ) -> dict[str, NDArray[np.float64]]:
        """Of each method a score of the judged subjects, `(judged,)`."""
        train, test = split.train, split.test
        readout = self.fit(split.train, config, training, seed)
        facts, accuracy = self.facts, self.untrained[IN_DISTRIBUTION][:, None]
        found = {
            SANDWICH: readout.probability(self.recordings.drawn, test),
            BARE: readout.probability(self.recordings.bare, test),
            TREES: self.trees(self.statistics, train, seed)(self.statistics[test]),
            AGREEMENT_TREES: self.trees(self.agreement, train, seed)(self.agreement[test]),
            NO_LAYERS: readout.by_trees(self.recordings.drawn, test),
            CONFIGURATION: self.trees(facts, train, seed)(facts[test]),
            BOTH: self.trees(both := np.hstack([facts, accuracy]), train, seed)(both[test]),
            **{name: score[test] for name, score in self.untrained.items()},
        }
        return {method.name: found[method.name] for method in METHODS if not method.control}

    def fit(self, train: Part, config: SandwichConfig, training: SandwichTraining, seed: int) -> "FittedReadout":
        """A readout of some subjects, each task counting by the square root of its subjects."""
        return self._fit(self.recordings.drawn, train, config, training, seed)

    def _fit(
        self, recording: Recording, train: Part, config: SandwichConfig, training: SandwichTraining, seed: int
    ) -> "FittedReadout":
        weights, units = self.table.task_weights(train), self.table.blind_units(train, config.heads)
        return fit(recording.select(torch.from_numpy(train)), weights, units, config, training, seed)

    def trees(self, features: NDArray[np.float64], train: Part, seed: int) -> Reader:
        """Trees on features `(subjects, features)`, weighted as the readout's subjects are."""
        return trees(features[train], self.table.labels[train], self.table.task_weights(train), seed)

    def control_scores(
        self, split: JudgedSplit, config: SandwichConfig, training: SandwichTraining, seed: int
    ) -> dict[str, NDArray[np.float64]]:
        """Of the controls: labels exchanged between the training subjects, and answers that are the same for all."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self.table)))

        def shuffled(part: Recording) -> Recording:
            return replace(part, labels=part.labels[order], long_accuracy=part.long_accuracy[order])

        def severed(part: Recording) -> Recording:
            return replace(part, channels=part.channels[:1].expand_as(part.channels))

        scores = {}
        for name, change in ((SHUFFLED, shuffled), (SEVERED, severed)):
            changed = change(self.recordings.drawn)
            scores[name] = self._fit(changed, split.train, config, training, seed).probability(changed, split.test)
        return scores


def agreement(recording: Recording, config: SandwichConfig) -> NDArray[np.float64]:
    """Mean agreement with the answers at the usual places, over placements and probes, `(subjects,)`."""
    mean: NDArray[np.float64] = _agreement(recording, config).mean(dim=(1, 2, 3)).double().numpy()
    return mean


def agreement_statistics(recording: Recording, config: SandwichConfig) -> NDArray[np.float64]:
    """Of each placement the mean, the spread and the quantiles over the probes, averaged over the draws, `(subjects,
    features)`: what self-agreement tells to whoever learns to read it, and nothing else of the answers."""
    there = _agreement(recording, config)  # (subjects, draws, placements, probes)
    quantiles = there.quantile(torch.linspace(0, 1, config.quantiles), dim=-1).unbind(0)
    features = torch.cat([there.mean(dim=-1), there.std(dim=-1, correction=0), *quantiles], dim=-1)
    mean: NDArray[np.float64] = features.mean(dim=1).double().numpy()
    return mean


def _agreement(recording: Recording, config: SandwichConfig) -> Tensor:
    return recording.channels[:, :, 1 : 1 + len(config.placements), :, ANSWER_CHANNELS.index("agreement")].float()


def read_statistics(readout: Readout, recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Statistics and, of them, the moments that a readout reads of recorded answers, `(subjects, features)` each."""
    with torch.inference_mode():
        prepared = readout.prepare(recording.channels)
    statistics, moments = (part.mean(dim=1).double().numpy() for part in (prepared.statistics, prepared.moments))
    return statistics, moments


@dataclass(frozen=True)
class FittedReadout:
    """A readout with its calibration, and with that of its trees alone."""

    readout: Readout
    calibration: Calibration
    trees_calibration: Calibration

    def probability(self, recording: Recording, part: Part) -> NDArray[np.float64]:
        """P(generalizer) of some subjects, `(subjects,)`."""
        some = recording.select(torch.from_numpy(part))
        return self.calibration.probability(recorded_scores(self.readout, some).mean(axis=0))

    def by_trees(self, recording: Recording, part: Part) -> NDArray[np.float64]:
        """P(generalizer) of some subjects as the heads' trees alone have it, `(subjects,)`."""
        some = recording.select(torch.from_numpy(part))
        return self.trees_calibration.probability(_scores_by_trees(self.readout, some).mean(axis=0))


def fit(
    known: Recording,
    weights: NDArray[np.float64],
    units: NDArray[np.int64],
    config: SandwichConfig,
    training: SandwichTraining,
    seed: int,
) -> FittedReadout:
    """A readout fitted on recorded subjects, each counting by its weight, and calibrated by what its heads say of those
    that they are blind to, unit by unit: `weights` and `units (subjects,)`."""
    blind = BlindHeads.assign(torch.from_numpy(units), known.groups, config.heads, seed)
    readout = fit_readout(config, training, known, blind, seed, weights=torch.from_numpy(weights).float())
    both, alone = (
        fit_calibration(blind.held_out(scores, known.groups), known.labels.numpy() == 1, weights)
        for scores in (recorded_scores(readout, known), _scores_by_trees(readout, known))
    )
    return FittedReadout(readout, both, alone)


def recorded_scores(readout: Readout, recording: Recording) -> NDArray[np.float64]:
    """Scores `(heads, subjects)` of recorded subjects."""
    with torch.inference_mode():
        return head_scores(readout(recording.channels))


def _scores_by_trees(readout: Readout, recording: Recording) -> NDArray[np.float64]:
    """The same of the heads' trees alone."""
    with torch.inference_mode():
        said = readout.by_trees(readout.prepare(recording.channels).statistics)  # (heads, subjects, draws, 2)
    scores: NDArray[np.float64] = said.sum(dim=-1).mean(dim=2).double().numpy()
    return scores


def trees(
    features: NDArray[np.float64],
    labels: NDArray[np.bool_],
    weights: NDArray[np.float64] | None,
    seed: int,
    least_leaf: int = _LEAST_LEAF,
) -> Reader:
    """Extremely randomized trees (Geurts et al. 2006) of some subjects, each counting by its weight, alike where there
    are none: what share of them calls others generalizers."""
    forest = ExtraTreesClassifier(_TREES, min_samples_leaf=least_leaf, max_features=0.3, random_state=seed, n_jobs=1)
    forest.fit(features, labels, sample_weight=weights)

    def share(others: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = forest.predict_proba(others)[:, list(forest.classes_).index(True)]
        return found

    return share


def configuration_facts(rows: Sequence[IndexRow]) -> NDArray[np.float64]:
    """All that is known of subjects without asking them: architecture, training, T and task, one column a value."""
    facts = []
    for row in rows:
        config = row.config.model_dump(exclude={"vocabulary", "task", "symbols"})
        facts.append(config | row.training.model_dump() | {"task": row.config.task.name})
    table: NDArray[np.float64] = make_pipeline(DictVectorizer(sparse=False)).fit_transform(facts)
    return table
