"""Figures by method, by slice of the zoo, and of the controls."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.arms import shuffling
from probe_sandwich.evidence.experiment.methods import (
    CONTROLS,
    METHODS,
    SANDWICH,
    SCHEME_LEFT_OUT,
    SHUFFLED,
    Predictions,
)
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.metrics import Figures, lead, measure

MATCHED, OTHER_CUTS = 0.99, (0.80, 0.85, 0.95)
NEVER_SEEN = "never seen"


def compare(zoo: Zoo, found: Predictions, left_out: Collection[str], tokens: Mapping[str, int]) -> dict[str, Figures]:
    """Figures of each method over the schemes that are not left out, with its tokens and the sandwich's lead."""
    judged = zoo.judged(left_out)
    labels, groups, own = zoo.labels[judged], zoo.groups[judged], found[SANDWICH][judged]
    figures = {}
    for name, values in found.items():
        ahead = None if name == SANDWICH else lead(own, values[judged], labels, groups)
        measured = _among(zoo, values, judged, METHODS[name].calibrated)
        figures[name] = measured.model_copy(update={"tokens": tokens[name], "sandwich_lead": ahead})
    return figures


def slices(zoo: Zoo, predictions: Predictions, left_out: Collection[str]) -> dict[str, Figures]:
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
        found[f"{scheme}, {NEVER_SEEN}"] = _among(zoo, predictions[SCHEME_LEFT_OUT], of_scheme)
    return found


def controls(
    zoo: Zoo, predictions: Predictions, left_out: Collection[str], tokens: Mapping[str, int]
) -> dict[str, Figures]:
    """Figures of the controls. What was trained on shuffled labels is judged on shuffled labels too."""
    order = shuffling(len(zoo.rows))
    shuffled = replace(zoo, labels=zoo.labels[order], long_accuracy=zoo.long_accuracy[order])
    found = {}
    for name in CONTROLS:
        measured = measure_judged(shuffled if name == SHUFFLED else zoo, predictions[name], left_out)
        found[name] = measured.model_copy(update={"tokens": tokens[name]})
    return found


def measure_judged(zoo: Zoo, probability: NDArray[np.float64], left_out: Collection[str]) -> Figures:
    """Figures of a method over the subjects of the schemes that are not left out."""
    return _among(zoo, probability, zoo.judged(left_out))


def _among(zoo: Zoo, score: NDArray[np.float64], some: NDArray[np.bool_], calibrated: bool = True) -> Figures:
    facts = (zoo.labels[some], zoo.long_accuracy[some], zoo.groups[some])
    return measure(score[some], *facts, calibrated=calibrated)
