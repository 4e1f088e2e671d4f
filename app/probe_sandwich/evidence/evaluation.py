"""From a zoo and a meta-classifier, every figure anew."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.agreement import unlabelled_gaps
from probe_sandwich.evidence.experiment.ensemble import member_probabilities
from probe_sandwich.evidence.experiment.methods import (
    AS_MANY_PLACED_FORMULAS,
    METHODS,
    SANDWICH,
    SCHEME_LEFT_OUT,
    Predictions,
)
from probe_sandwich.evidence.experiment.placed_formulas import placed_margins
from probe_sandwich.evidence.figures.abstaining import measure_abstaining
from probe_sandwich.evidence.figures.calibration import risk_coverage
from probe_sandwich.evidence.figures.comparison import compare, controls, slices
from probe_sandwich.evidence.figures.evidence import EVIDENCE, Costs, Evidence, read_evidence, write_evidence
from probe_sandwich.evidence.figures.price import measure_prices
from probe_sandwich.evidence.figures.probes import examine_probes
from probe_sandwich.evidence.figures.schemes import schemes_apart
from probe_sandwich.evidence.figures.strangers import withheld_from_strangers
from probe_sandwich.evidence.figures.tokens import tokens_of_methods
from probe_sandwich.evidence.figures.trust import (
    Trust,
    UnseenTrust,
    coverage,
    noise_spread,
    scheme_unlike_the_others,
)
from probe_sandwich.evidence.parts import Unseen, ZooParts, fit_baselines, pooled, predict_unseen, split_zoo
from probe_sandwich.evidence.report.predictions import PREDICTIONS, read_predictions, write_predictions
from probe_sandwich.evidence.report.report import write_report
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier, write_card
from probe_sandwich.zoo.cohorts import Cohort, among, load_cohorts


class OfEveryTask(ValueError):
    """A meta-classifier for every task, which another command judges."""

    def __init__(self, model: Path) -> None:
        super().__init__(
            f"{model} answers for every task; `probe-sandwich train ZOO… --universal --out {model}` makes its figures"
        )


class NothingToCompare(ValueError):
    """A meta-classifier was trained alone, without what a report compares it with."""


def evaluate_meta_classifier(
    zoo_folder: Path,
    model: Path,
    device: torch.device,
    strangers: Path | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> Evidence:
    """Recompute the figures, and write evidence, card, predictions, report and plots.

    Out-of-fold predictions of the sandwich come from the stored members, each on its own fold; those of the baselines
    from fitting them anew. What was trained beside the sandwich is not stored: its predictions are read from
    `predictions.csv`, and the seconds of training from `evidence.json`. A zoo may have grown since: subjects of its
    later configurations are judged apart. `strangers` is a zoo of subjects unlike this one's, on which abstaining is
    tested. `progress` is called with the name of each stage as it starts.
    Raises `NotAZoo`, `OtherZoo`, `OfEveryTask`, `NothingToCompare`, `NoEvidence`.
    """
    meta = load_meta_classifier(model, device)
    if meta.card.task is None:
        raise OfEveryTask(model)
    stored, before = read_predictions(model / PREDICTIONS), read_evidence(model)
    if SCHEME_LEFT_OUT not in stored:
        raise NothingToCompare(
            f"{model} holds a sandwich trained alone, and its figures stand in {EVIDENCE}; for a report that compares "
            "it, train again without `--only`"
        )
    parts = split_zoo(meta.card, zoo_folder, model)
    cohorts = load_cohorts(zoo_folder, parts.rows, device)
    known = among(cohorts, set(range(len(parts.known.rows))))
    progress("asking formulas")
    margins = placed_margins(meta.card.sandwich, len(meta.members), cohorts)
    gaps = unlabelled_gaps(cohorts)
    progress("fitting baselines")
    fitted = fit_baselines(parts, meta.card.sandwich.probes, margins, gaps)
    progress("asking the sandwich")
    predictions = {SANDWICH: member_probabilities(meta, parts.folds, known), **fitted[0]}
    predictions |= {name: values for name, values in stored.items() if name not in predictions}
    unseen = predict_unseen(meta, parts, fitted[1:], device)
    progress("measuring figures")
    seconds = before.costs.training_seconds
    evidence = _figures(meta, parts, predictions, unseen, margins, gaps, known, seconds).model_copy(
        update={"trust": _trust(meta, parts, predictions[SANDWICH], unseen, known, strangers, device)}
    )
    progress("writing the report")
    write_predictions(model / PREDICTIONS, parts.known, predictions)
    for one in unseen:
        write_predictions(model / f"{one.name}.csv", one.zoo, one.predictions)
    card = meta.card.model_copy(update={"track_record": evidence.track_record})
    write_card(model, card)
    write_evidence(model, evidence)
    _, symbols = meta.probes(card.sandwich.probes)
    write_report(model, card, evidence, parts.known, predictions, symbols)
    return evidence


def _figures(
    meta: MetaClassifier,
    parts: ZooParts,
    predictions: Predictions,
    unseen: Sequence[Unseen],
    margins: NDArray[np.float64],
    gaps: NDArray[np.float64],
    known: Sequence[Cohort],
    seconds: dict[str, float],
) -> Evidence:
    """All figures but those of trust. `margins` and `gaps` are of all parts' subjects."""
    first, sandwich = parts.known.rows[0], meta.card.sandwich
    formulas = first.definition.formulas_per_bucket
    tokens = tokens_of_methods(sandwich, first.config.train_max_length, formulas, len(meta.members))
    of_ensemble = tokens | {SANDWICH: tokens[AS_MANY_PLACED_FORMULAS]}
    by_part = {one.name: compare(one.zoo, one.predictions, parts.left_out, of_ensemble) for one in unseen}
    methods = {name: values for name, values in predictions.items() if METHODS[name].compared}
    count, length = len(parts.known.rows), sandwich.probe_length
    return Evidence(
        out_of_fold=compare(parts.known, methods, parts.left_out, tokens),
        slices=slices(parts.known, predictions, parts.left_out),
        schemes=schemes_apart(parts.known, methods, gaps[:count]),
        reserve=by_part.get("reserve", {}),
        later=by_part.get("later", {}),
        unseen=compare(parts.unseen, pooled(unseen), parts.left_out, of_ensemble) if unseen else {},
        prices=measure_prices(parts.known, parts.unseen, parts.left_out, parts.folds, margins[:count], length),
        controls=controls(parts.known, predictions, parts.left_out, tokens),
        probes=examine_probes(meta, parts.known, parts.folds, known, parts.known.judged(parts.left_out)),
        costs=Costs(tokens=tokens, training_seconds=seconds),
    )


def _trust(
    meta: MetaClassifier,
    parts: ZooParts,
    probability: NDArray[np.float64],
    unseen: Sequence[Unseen],
    known: Sequence[Cohort],
    strangers: Path | None,
    device: torch.device,
) -> Trust:
    threshold, judged = meta.card.threshold, parts.known.judged(parts.left_out)
    of_unseen = None
    if unseen:
        labels = np.concatenate([one.zoo.labels for one in unseen])
        of_unseen = UnseenTrust(
            interval_coverage=coverage(np.concatenate([one.ensemble.members for one in unseen], axis=1)),
            interval_subjects=len(labels),
            noise=noise_spread(meta, unseen[0].zoo, unseen[0].ensemble, device),
            abstaining=measure_abstaining([one.ensemble for one in unseen], labels, threshold),
        )
    return Trust(
        risk_coverage=risk_coverage(probability[judged], parts.known.labels[judged], threshold),
        unlike_the_other_schemes=scheme_unlike_the_others(meta, parts.known, known),
        unseen=of_unseen,
        strangers=withheld_from_strangers(meta, parts.reserve, strangers, device),
    )
