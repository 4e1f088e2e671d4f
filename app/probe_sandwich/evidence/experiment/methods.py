"""Every method that is compared, in one table: what it is called, what it is, what it costs, whether it is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Predictions = Mapping[str, NDArray[np.float64]]
"""Probabilities `(subjects,)` by a method's name."""

SANDWICH, HYBRID = "sandwich", "hybrid"
CONFIGURATION, IN_DISTRIBUTION = "configuration", "in_distribution"
CONFIGURATION_AND_IN_DISTRIBUTION = f"{CONFIGURATION}_and_{IN_DISTRIBUTION}"
WEIGHT_STATISTICS, FLATTENED_WEIGHTS = "weight_statistics", "flattened_weights"
PLACED_FORMULAS, AS_MANY_PLACED_FORMULAS = "placed_formulas", "placed_formulas_of_equal_tokens"
AGREEMENT, AGREEMENT_TREES = "self_agreement", "self_agreement_trees"
USUAL_PLACES, NOT_TRAINED, NOISE_PROBES = "usual_places", "generator_not_trained", "noise_probes"
REAL_FORMULAS, REAL_FORMULAS_USUAL_PLACES = "real_formulas", "real_formulas_usual_places"
PROBEGEN, MNTD = "probegen", "mntd"
SHUFFLED, SEVERED, NOISE_HIDDEN = "shuffled_labels", "severed_responses", "noise_hidden"
LONGER_PROBES, LONGER_REAL_FORMULAS = "longer_probes", "longer_real_formulas"
PARTS_OF_THE_ZOO = {"half_of_the_zoo": 0.5, "quarter_of_the_zoo": 0.25, "eighth_of_the_zoo": 0.125}
SCHEME_LEFT_OUT = "scheme_left_out"


class MethodKind(StrEnum):
    """What a method is."""

    SANDWICH = "sandwich"
    VARIANT = "variant"  # a sandwich of which something is changed, compared as a method of its own
    BASELINE = "baseline"  # fitted anew by every evaluation
    RIVAL = "rival"  # published, trained through the subjects
    CONTROL = "control"  # a sandwich from which something is withheld: what must fail, or what a part is worth
    SLICE = "slice"  # the sandwich on subjects of which its training saw none of the kind


class Reads(StrEnum):
    """What one answer of a method runs through the subject."""

    NOTHING = "nothing"
    ONE_MEMBER = "the probes of one member of the ensemble"
    ONE_MEMBER_AT_USUAL_PLACES = "the same at their usual places alone"
    ONE_DRAW = "the probes of one draw of noise"
    WHOLE_ENSEMBLE = "the probes of all members"
    LONGER_PROBES = "probes of 2T symbols at their usual places"
    UNLABELLED_FORMULAS = "unlabelled formulas at several places"
    IN_DISTRIBUTION_TEST = "the formulas that an in-distribution accuracy is measured on"
    PROBEGEN = "the learned inputs of ProbeGen"
    MNTD = "the learned inputs of MNTD"


@dataclass(frozen=True)
class Method:
    """One method: its name in files, its title in print, what it is, what it reads, whether ROC curves show it, and
    whether it gives probabilities (else a score)."""

    name: str
    title: str
    kind: MethodKind
    reads: Reads
    drawn: bool = False
    calibrated: bool = True

    @property
    def compared(self) -> bool:
        """Whether it stands in the tables beside the sandwich."""
        return self.kind not in (MethodKind.CONTROL, MethodKind.SLICE)


_TABLE = (
    Method(SANDWICH, "sandwich", MethodKind.SANDWICH, Reads.ONE_MEMBER, drawn=True),
    Method(HYBRID, "hybrid", MethodKind.VARIANT, Reads.ONE_MEMBER, drawn=True),
    Method(CONFIGURATION, "configuration", MethodKind.BASELINE, Reads.NOTHING, drawn=True),
    Method(IN_DISTRIBUTION, "in distribution", MethodKind.BASELINE, Reads.IN_DISTRIBUTION_TEST),
    Method(
        CONFIGURATION_AND_IN_DISTRIBUTION,
        "configuration and in distribution",
        MethodKind.BASELINE,
        Reads.IN_DISTRIBUTION_TEST,
    ),
    Method(WEIGHT_STATISTICS, "weight statistics", MethodKind.BASELINE, Reads.NOTHING, drawn=True),
    Method(FLATTENED_WEIGHTS, "flattened weights", MethodKind.BASELINE, Reads.NOTHING),
    Method(PLACED_FORMULAS, "placed formulas", MethodKind.BASELINE, Reads.ONE_DRAW, drawn=True),
    Method(AS_MANY_PLACED_FORMULAS, "placed formulas of equal tokens", MethodKind.BASELINE, Reads.WHOLE_ENSEMBLE),
    Method(AGREEMENT_TREES, "self agreement trees", MethodKind.BASELINE, Reads.UNLABELLED_FORMULAS),
    Method(AGREEMENT, "self agreement", MethodKind.BASELINE, Reads.UNLABELLED_FORMULAS, calibrated=False),
    Method(USUAL_PLACES, "usual places", MethodKind.VARIANT, Reads.ONE_MEMBER_AT_USUAL_PLACES, drawn=True),
    Method(NOT_TRAINED, "generator not trained", MethodKind.VARIANT, Reads.ONE_MEMBER),
    Method(NOISE_PROBES, "noise probes", MethodKind.VARIANT, Reads.ONE_MEMBER, drawn=True),
    Method(REAL_FORMULAS, "real formulas", MethodKind.VARIANT, Reads.ONE_MEMBER),
    Method(
        REAL_FORMULAS_USUAL_PLACES,
        "real formulas usual places",
        MethodKind.VARIANT,
        Reads.ONE_MEMBER_AT_USUAL_PLACES,
    ),
    Method(PROBEGEN, "probegen", MethodKind.RIVAL, Reads.PROBEGEN),
    Method(MNTD, "mntd", MethodKind.RIVAL, Reads.MNTD),
    Method(SHUFFLED, "shuffled labels", MethodKind.CONTROL, Reads.ONE_MEMBER),
    Method(SEVERED, "severed responses", MethodKind.CONTROL, Reads.ONE_MEMBER),
    Method(NOISE_HIDDEN, "noise hidden", MethodKind.CONTROL, Reads.ONE_MEMBER),
    Method(LONGER_PROBES, "longer probes", MethodKind.CONTROL, Reads.LONGER_PROBES),
    Method(LONGER_REAL_FORMULAS, "longer real formulas", MethodKind.CONTROL, Reads.LONGER_PROBES),
    Method("half_of_the_zoo", "half of the zoo", MethodKind.CONTROL, Reads.ONE_MEMBER),
    Method("quarter_of_the_zoo", "quarter of the zoo", MethodKind.CONTROL, Reads.ONE_MEMBER),
    Method("eighth_of_the_zoo", "eighth of the zoo", MethodKind.CONTROL, Reads.ONE_MEMBER),
    Method(SCHEME_LEFT_OUT, "scheme left out", MethodKind.SLICE, Reads.ONE_MEMBER),
)
METHODS = {method.name: method for method in _TABLE}
CONTROLS = tuple(method.name for method in _TABLE if method.kind is MethodKind.CONTROL)
DRAWN = tuple(method.name for method in _TABLE if method.drawn)


def title(name: str) -> str:
    """A method's name in print."""
    return METHODS[name].title
