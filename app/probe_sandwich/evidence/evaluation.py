"""From a zoo and a meta-classifier, every figure anew."""

import hashlib
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.agreement import AGREEMENT, agreement_trees, unlabelled_gaps, untrained
from probe_sandwich.evidence.arms import CONTROLS, SANDWICH, SCHEME_LEFT_OUT, SHUFFLED, shuffling
from probe_sandwich.evidence.asking import Asking, look_at
from probe_sandwich.evidence.baselines import (
    AS_MANY_PLACED_FORMULAS,
    FLATTENED_WEIGHTS,
    flattened_weights,
    out_of_fold,
    placed_formulas,
    placed_margins,
    tabular_baselines,
)
from probe_sandwich.evidence.ensemble import out_of_fold as sandwich_out_of_fold
from probe_sandwich.evidence.ensemble import whole_ensemble
from probe_sandwich.evidence.folds import Fold
from probe_sandwich.evidence.metrics import Metrics, lead, measure
from probe_sandwich.evidence.predictions import Predictions, read_predictions, write_predictions
from probe_sandwich.evidence.price import (
    LONG_FORMULAS,
    LONG_FORMULAS_UNSEEN,
    SHORT,
    SHORT_PLACED,
    direct_test_prices,
    short_formula_prices,
    tokens_of_methods,
)
from probe_sandwich.evidence.report import write_report
from probe_sandwich.evidence.schemes import schemes_apart
from probe_sandwich.evidence.strangers import told_to_strangers
from probe_sandwich.evidence.trust import abstaining, coverage, noise_spread, risk_coverage, scheme_unlike_the_others
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.cohorts import Cohort, among, load_cohorts
from probe_sandwich.sandwich.meta_classifier import CARD, MetaClassifier, Prediction, load_meta_classifier
from probe_sandwich.zoo.info import one_sided_schemes
from probe_sandwich.zoo.shards import IndexRow, read_index, read_weights, write_atomically

PREDICTIONS = "predictions.csv"
MATCHED, OTHER_CUTS = 0.99, (0.80, 0.85, 0.95)
Figures = dict[str, dict[str, Any]]


class OtherZoo(ValueError):
    """A meta-classifier was trained on other subjects, so nobody knows which of a zoo's it has seen."""


class NothingToCompare(ValueError):
    """A meta-classifier was trained alone, without what a report compares it with."""


@dataclass(frozen=True)
class Parts:
    """A zoo as a meta-classifier sees it: what it was made from, what was kept out, and what joined it afterwards."""

    known: Zoo
    reserve: Zoo
    later: Zoo
    left_out: set[str]
    """Position schemes that no figure counts, since nearly all of their subjects have one label."""

    @property
    def every(self) -> list[Zoo]:
        return [self.known, self.reserve, self.later]

    @property
    def unseen(self) -> Zoo:
        """Reserve and later together: what nothing was chosen on."""
        return Zoo.of(self.known.folder, [*self.reserve.rows, *self.later.rows])


@dataclass(frozen=True)
class Unseen:
    """What the ensemble says of subjects that it was not made from, and that beside what its rivals say."""

    name: str
    zoo: Zoo
    answer: Prediction
    predictions: Predictions


def evaluate_meta_classifier(
    zoo_folder: Path, model: Path, device: torch.device, strangers: Path | None = None
) -> Card:
    """Recompute the card's figures, and write card, predictions, report and plots.

    Out-of-fold predictions of the sandwich come from the stored members, each on its own fold; those of the baselines
    from fitting them anew. What was trained beside the sandwich is not stored: its predictions are read from
    `predictions.csv`. A zoo may have grown since: subjects of its later groups are judged apart. `strangers` is a
    zoo of subjects unlike this one's, on which abstaining is tested.
    Raises `NotAZoo`, `OtherZoo`, `NothingToCompare`.
    """
    meta = load_meta_classifier(model, device)
    stored = read_predictions(model / PREDICTIONS)
    if SCHEME_LEFT_OUT not in stored:
        raise NothingToCompare(
            f"{model} holds a sandwich trained alone, and its figures stand in its card; for a report that compares "
            "it, train again without `--only`"
        )
    parts = _parts(meta, zoo_folder, model)
    rows = [row for part in parts.every for row in part.rows]
    cohorts = load_cohorts(zoo_folder, rows, device)
    known = among(cohorts, set(range(len(parts.known.rows))))
    margins = placed_margins(meta.card.sandwich, len(meta.members), cohorts)
    gaps = unlabelled_gaps(cohorts)
    fitted = _fit_baselines(meta, parts, margins, gaps, rows)
    predictions = {SANDWICH: sandwich_out_of_fold(meta, parts.known, known)} | fitted[0]
    predictions |= {name: values for name, values in stored.items() if name not in predictions}
    write_predictions(model / PREDICTIONS, parts.known, predictions)
    unseen = _ask_unseen(meta, parts, fitted[1:], model, device)

    tokens = _tokens(meta, parts)
    of_ensemble = tokens | {SANDWICH: tokens[AS_MANY_PLACED_FORMULAS]}
    judged = {one.name: _compare(one.zoo, one.predictions, parts.left_out, of_ensemble) for one in unseen}
    methods = {name: one for name, one in predictions.items() if name not in (*CONTROLS, SCHEME_LEFT_OUT)}
    asking = look_at(meta, parts.known, known, parts.known.judged(parts.left_out))
    card = meta.card.model_copy(
        update={
            "metrics": _compare(parts.known, methods, parts.left_out, tokens),
            "slices": _slices(parts.known, predictions, parts.left_out),
            "schemes": schemes_apart(parts.known, methods, gaps[: len(parts.known.rows)]),
            "reserve": judged.get("reserve", {}),
            "later": judged.get("later", {}),
            "unseen": _compare(parts.unseen, _pooled(unseen), parts.left_out, of_ensemble),
            "prices": _prices(meta, parts, margins[: len(parts.known.rows)]),
            "controls": _controls(parts.known, predictions, parts.left_out, tokens),
            "trust": _trust(meta, parts, predictions[SANDWICH], unseen, known, strangers, device),
            "asking": _told_of(asking),
            "costs": meta.card.costs | {"tokens": tokens},
        }
    )
    write_atomically(model / CARD, (card.model_dump_json(indent=2) + "\n").encode())
    write_report(model, card, parts.known, predictions, asking)
    return card


def zoo_facts(rows: Sequence[IndexRow]) -> dict[str, Any]:
    """What a card says of the zoo that a meta-classifier was made from."""
    converged = [row for row in rows if row.converged]
    what = "".join(f"{row.subject} {row.label:d}{row.converged:d}{row.reserve:d}\n" for row in rows)
    return {
        "groups": max(row.group for row in rows) + 1 if rows else 0,
        "rows_sha256": hashlib.sha256(what.encode()).hexdigest(),
        "subjects": len(rows),
        "converged": len(converged),
        "reserve": sum(row.reserve for row in rows),
        "generalizers": sum(row.label for row in converged),
        "one_sided_schemes": sorted(scheme.value for scheme in one_sided_schemes(rows)),
    }


def _parts(meta: MetaClassifier, zoo_folder: Path, model: Path) -> Parts:
    every_row = read_index(zoo_folder)
    rows = [row for row in every_row if row.group < meta.card.zoo["groups"]]
    if meta.card.zoo["rows_sha256"] != zoo_facts(rows)["rows_sha256"]:
        raise OtherZoo(f"{model} was trained on other subjects than those of {zoo_folder}; train it anew")
    return Parts(
        Zoo.of(zoo_folder, [row for row in rows if not row.reserve]),
        Zoo.of(zoo_folder, [row for row in rows if row.reserve]),
        Zoo.of(zoo_folder, [row for row in every_row if row.group >= meta.card.zoo["groups"]]),
        {scheme.value for scheme in one_sided_schemes(rows)},
    )


def _ask_unseen(
    meta: MetaClassifier, parts: Parts, fitted: Sequence[Predictions], model: Path, device: torch.device
) -> list[Unseen]:
    """What the whole ensemble and the rivals say of reserve and later subjects, written down too."""
    found = []
    for name, zoo, beside in zip(("reserve", "later"), (parts.reserve, parts.later), fitted, strict=True):
        if zoo.rows:
            answer = whole_ensemble(meta, zoo, device)
            found.append(Unseen(name, zoo, answer, {SANDWICH: answer.probability, **beside}))
            write_predictions(model / f"{name}.csv", zoo, found[-1].predictions)
    return found


def _pooled(unseen: Sequence[Unseen]) -> Predictions:
    names = unseen[0].predictions if unseen else ()
    return {name: np.concatenate([one.predictions[name] for one in unseen]) for name in names}


def _tokens(meta: MetaClassifier, parts: Parts) -> dict[str, int]:
    first = parts.known.rows[0]
    formulas = first.definition.formulas_per_bucket
    return tokens_of_methods(meta.card.sandwich, first.config.train_max_length, formulas, len(meta.members))


def _fit_baselines(
    meta: MetaClassifier,
    parts: Parts,
    margins: NDArray[np.float64],
    gaps: NDArray[np.float64],
    rows: Sequence[IndexRow],
) -> list[dict[str, NDArray[np.float64]]]:
    """Predictions for each part: out of fold for what the ensemble was made from; for the others from baselines that
    are fitted on all of that."""
    known = parts.known
    folds = known.folds(meta.card.training)
    seen, unseen = np.split(np.arange(len(rows)), [len(known.rows)])
    if len(unseen):
        folds.append(Fold(seen, unseen))
    labels = np.concatenate([part.labels for part in parts.every])
    weights = read_weights(known.folder, rows)
    baselines = [
        *tabular_baselines(rows, weights),
        placed_formulas(margins[:, :, : meta.card.sandwich.probes]),
        placed_formulas(margins, AS_MANY_PLACED_FORMULAS),
        agreement_trees(gaps),
    ]
    found = {baseline.name: out_of_fold(baseline, labels, folds) for baseline in baselines}
    found[AGREEMENT] = untrained(gaps)
    found[FLATTENED_WEIGHTS] = flattened_weights(rows, weights, labels, folds)
    ends = itertools.accumulate(len(part.rows) for part in parts.every)
    return [
        {name: values[end - len(part.rows) : end] for name, values in found.items()}
        for part, end in zip(parts.every, ends, strict=True)
    ]


def measure_judged(zoo: Zoo, probability: NDArray[np.float64], left_out: Collection[str]) -> dict[str, Any]:
    """Figures of a method over the subjects of the schemes that are not left out."""
    return _among(zoo, probability, zoo.judged(left_out)).model_dump()


def _compare(zoo: Zoo, found: Predictions, left_out: Collection[str], tokens: Mapping[str, int]) -> Figures:
    """Figures of each method, with its tokens and the sandwich's lead over it."""
    kept = zoo.judged(left_out)
    figures: Figures = {}
    for name, values in found.items():
        ahead = (
            None if name == SANDWICH else lead(found[SANDWICH][kept], values[kept], zoo.labels[kept], zoo.groups[kept])
        )
        facts = {"tokens": tokens[name], "sandwich_lead": ahead}
        figures[name] = _among(zoo, values, kept, name != AGREEMENT).model_copy(update=facts).model_dump()
    return figures


def _among(zoo: Zoo, score: NDArray[np.float64], kept: NDArray[np.bool_], calibrated: bool = True) -> Metrics:
    facts = (zoo.labels[kept], zoo.long_accuracy[kept], zoo.groups[kept])
    return measure(score[kept], *facts, calibrated=calibrated)


def _slices(zoo: Zoo, predictions: Predictions, left_out: set[str]) -> Figures:
    """The sandwich among some of the subjects, with labels at other cuts, and on schemes that it never saw."""
    probability, judged = predictions[SANDWICH], zoo.judged(left_out)
    matched = np.array([row.in_distribution_accuracy >= MATCHED for row in zoo.rows])
    certain = np.array([row.certain for row in zoo.rows])
    found = {
        f"in-distribution accuracy at least {MATCHED}": _among(zoo, probability, judged & matched),
        "certain labels": _among(zoo, probability, judged & certain),
        "all schemes": _among(zoo, probability, np.ones_like(judged)),
    }
    for cut in OTHER_CUTS:
        labels = np.array([row.retest(cut).generalizer for row in zoo.rows])
        found[f"cut {cut:.2f}"] = _among(replace(zoo, labels=labels), probability, judged)
    for scheme in np.unique(zoo.schemes):
        of_scheme = zoo.schemes == scheme
        found[f"{scheme}"] = _among(zoo, probability, of_scheme)
        found[f"{scheme}, never seen"] = _among(zoo, predictions[SCHEME_LEFT_OUT], of_scheme)
    return {name: figures.model_dump() for name, figures in found.items()}


def _prices(meta: MetaClassifier, parts: Parts, margins: NDArray[np.float64]) -> dict[str, list[dict[str, Any]]]:
    known = parts.known
    judged = known.judged(parts.left_out)
    folds = known.folds(meta.card.training)
    length = meta.card.sandwich.probe_length
    found = {
        LONG_FORMULAS: direct_test_prices([known.rows[n] for n in np.flatnonzero(judged)], known.labels[judged]),
        SHORT: short_formula_prices(margins[:, :1], known.labels, folds, judged, length),
        SHORT_PLACED: short_formula_prices(margins, known.labels, folds, judged, length),
    }
    unseen, counted = parts.unseen, parts.unseen.judged(parts.left_out)
    if len(np.unique(unseen.labels[counted])) == 2:
        kept = [unseen.rows[n] for n in np.flatnonzero(counted)]
        found[LONG_FORMULAS_UNSEEN] = direct_test_prices(kept, unseen.labels[counted])
    return {name: [price.model_dump() for price in prices] for name, prices in found.items()}


def _controls(zoo: Zoo, predictions: Predictions, left_out: set[str], tokens: Mapping[str, int]) -> Figures:
    """What was trained on shuffled labels is judged on shuffled labels too."""
    order = shuffling(len(zoo.rows))
    shuffled = replace(zoo, labels=zoo.labels[order], long_accuracy=zoo.long_accuracy[order])
    return {
        name: measure_judged(shuffled if name == SHUFFLED else zoo, predictions[name], left_out)
        | {"tokens": tokens[name]}
        for name in CONTROLS
        if name in predictions
    }


def _trust(
    meta: MetaClassifier,
    parts: Parts,
    probability: NDArray[np.float64],
    unseen: Sequence[Unseen],
    cohorts: Sequence[Cohort],
    strangers: Path | None,
    device: torch.device,
) -> dict[str, Any]:
    threshold = meta.card.threshold
    judged = parts.known.judged(parts.left_out)
    found: dict[str, Any] = {
        "risk_coverage": risk_coverage(probability[judged], parts.known.labels[judged], threshold),
        "unlike_the_other_schemes": scheme_unlike_the_others(meta, parts.known, cohorts),
    }
    if unseen:
        labels = np.concatenate([one.zoo.labels for one in unseen])
        found |= {
            "interval_coverage": coverage(np.concatenate([one.answer.members for one in unseen], axis=1)),
            "interval_subjects": len(labels),
            "noise": noise_spread(meta, unseen[0].zoo, unseen[0].answer, device),
            "abstaining": abstaining([one.answer for one in unseen], labels, threshold),
        }
    return found | {"strangers": told_to_strangers(meta, parts.reserve, strangers, device)}


def _told_of(asking: Asking) -> Mapping[str, Any]:
    return {
        "probes": [asdict(probe) for probe in asking.probes],
        "auc_lost_by_placement": asking.placement_losses,
        "auc_lost_by_response": asking.response_losses,
        "sensitivity_by_position": asking.sensitivity,
        "far_contradictions": asking.far_contradictions,
    }
