"""The parts of a zoo: what a meta-classifier has seen of it and what not, and predictions for each."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.agreement import agreement_trees, untrained
from probe_sandwich.evidence.experiment.baselines import cross_validated, tabular_baselines
from probe_sandwich.evidence.experiment.ensemble import whole_ensemble
from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.methods import (
    AGREEMENT,
    AS_MANY_PLACED_FORMULAS,
    FLATTENED_WEIGHTS,
    SANDWICH,
    Predictions,
)
from probe_sandwich.evidence.experiment.placed_formulas import placed_formulas
from probe_sandwich.evidence.experiment.weights import flattened_weights
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.sandwich.card import Card, ZooFacts
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.sandwich.prediction import Prediction
from probe_sandwich.zoo.info import one_sided_schemes
from probe_sandwich.zoo.shards import IndexRow, read_index, read_weights


class OtherZoo(ValueError):
    """A meta-classifier was trained on other subjects, so nobody knows which of a zoo's it has seen."""


@dataclass(frozen=True)
class ZooParts:
    """The subjects that a meta-classifier was made from, with the folds of its members; those in reserve; and those
    that joined the zoo later."""

    known: Zoo
    folds: list[Fold]
    reserve: Zoo
    later: Zoo
    left_out: set[str]
    """Position schemes that no figure counts, since nearly all of their subjects have one label."""

    @property
    def every(self) -> list[Zoo]:
        return [self.known, self.reserve, self.later]

    @property
    def rows(self) -> list[IndexRow]:
        """Of all three, one after the other."""
        return [row for part in self.every for row in part.rows]

    @property
    def unseen(self) -> Zoo:
        """Reserve and later together: what nothing was chosen on."""
        return Zoo.of(self.known.folder, [*self.reserve.rows, *self.later.rows])


@dataclass(frozen=True)
class Unseen:
    """What the ensemble says of subjects that it was not made from, and beside it what its rivals say."""

    name: str
    zoo: Zoo
    ensemble: Prediction
    predictions: Predictions


def zoo_facts(rows: Sequence[IndexRow]) -> ZooFacts:
    """What a card says of the zoo that a meta-classifier was made from."""
    converged = [row for row in rows if row.converged]
    what = "".join(f"{row.subject} {row.label:d}{row.converged:d}{row.reserve:d}\n" for row in rows)
    return ZooFacts(
        groups=max(row.group for row in rows) + 1 if rows else 0,
        rows_sha256=hashlib.sha256(what.encode()).hexdigest(),
        subjects=len(rows),
        converged=len(converged),
        reserve=sum(row.reserve for row in rows),
        generalizers=sum(row.label for row in converged),
        one_sided_schemes=sorted(scheme.value for scheme in one_sided_schemes(rows)),
    )


def split_zoo(card: Card, folder: Path, model: Path) -> ZooParts:
    """The parts of a zoo that may have grown since the training. Raises `NotAZoo`, `OtherZoo`."""
    every_row = read_index(folder)
    rows = [row for row in every_row if row.group < card.zoo.groups]
    facts = zoo_facts(rows)
    if card.zoo.rows_sha256 != facts.rows_sha256:
        raise OtherZoo(f"{model} was trained on other subjects than those of {folder}; train it anew")
    known = Zoo.of(folder, [row for row in rows if not row.reserve])
    return ZooParts(
        known,
        known.folds(card.training),
        Zoo.of(folder, [row for row in rows if row.reserve]),
        Zoo.of(folder, [row for row in every_row if row.group >= card.zoo.groups]),
        set(facts.one_sided_schemes),
    )


def fit_baselines(
    parts: ZooParts, probes: int, margins: NDArray[np.float64], gaps: NDArray[np.float64]
) -> list[Predictions]:
    """Predictions for each part: out of fold for what the ensemble was made from; for the others from baselines that
    are fitted on all of that. `margins` are those of `placed_margins`, of which one draw has so many `probes`, and
    `gaps` those of `unlabelled_gaps`, both of all parts' subjects."""
    rows, folds = parts.rows, list(parts.folds)
    seen, unseen = np.split(np.arange(len(rows)), [len(parts.known.rows)])
    if len(unseen):
        folds.append(Fold(seen, unseen))
    labels = np.concatenate([part.labels for part in parts.every])
    weights = read_weights(parts.known.folder, rows)
    baselines = [
        *tabular_baselines(rows, weights),
        placed_formulas(margins[:, :, :probes]),
        placed_formulas(margins, AS_MANY_PLACED_FORMULAS),
        agreement_trees(gaps),
    ]
    found = {baseline.name: cross_validated(baseline, labels, folds) for baseline in baselines}
    found[AGREEMENT] = untrained(gaps)
    found[FLATTENED_WEIGHTS] = flattened_weights(rows, weights, labels, folds)
    ends = itertools.accumulate(len(part.rows) for part in parts.every)
    return [
        {name: values[end - len(part.rows) : end] for name, values in found.items()}
        for part, end in zip(parts.every, ends, strict=True)
    ]


def predict_unseen(
    meta: MetaClassifier, parts: ZooParts, fitted: Sequence[Predictions], device: torch.device
) -> list[Unseen]:
    """What the whole ensemble says of reserve and later subjects, and beside it the baselines that are fitted for each;
    a part without subjects is left out."""
    found = []
    for name, zoo, beside in zip(("reserve", "later"), (parts.reserve, parts.later), fitted, strict=True):
        if zoo.rows:
            ensemble = whole_ensemble(meta, zoo, device)
            found.append(Unseen(name, zoo, ensemble, {SANDWICH: ensemble.probability, **beside}))
    return found


def pooled(unseen: Sequence[Unseen]) -> Predictions:
    """Predictions of several, one after the other."""
    names = unseen[0].predictions if unseen else ()
    return {name: np.concatenate([one.predictions[name] for one in unseen]) for name in names}
