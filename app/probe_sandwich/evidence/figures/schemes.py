"""What carries the answer, position scheme by position scheme: a placement can only tell where it changes something."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.evidence.experiment.agreement import answers_that_turn
from probe_sandwich.evidence.experiment.methods import (
    AGREEMENT,
    AGREEMENT_TREES,
    SANDWICH,
    USUAL_PLACES,
    Predictions,
)
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.auc import auc, within_configuration_auc
from probe_sandwich.evidence.figures.metrics import Lead, lead

SHOWN = (SANDWICH, USUAL_PLACES, AGREEMENT_TREES, AGREEMENT)
_NOTHING = 0.0005


class SchemeFigures(BaseModel):
    """Of a scheme's converged subjects: how many there are and how many generalize; by placement the share of answers
    that are not those at the usual places; by method AUC and within-configuration AUC; and the sandwich's lead over
    the one whose probes stand at the usual places only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int
    answers_that_turn: dict[str, float]
    auc: dict[str, float | None]
    within_configuration_auc: dict[str, float | None]
    lead_over_usual_places: Lead | None

    @property
    def changing_nothing(self) -> list[str]:
        """Placements that turn no answer, to three decimals."""
        return [name for name, share in self.answers_that_turn.items() if share < _NOTHING]


def schemes_apart(zoo: Zoo, found: Predictions, gaps: NDArray[np.float64]) -> dict[str, SchemeFigures]:
    """Figures by scheme; `gaps (subjects, 1 + placements, formulas)` are those of `unlabelled_gaps`."""
    return {str(scheme): _of_scheme(zoo, found, gaps, zoo.schemes == scheme) for scheme in np.unique(zoo.schemes)}


def _of_scheme(zoo: Zoo, found: Predictions, gaps: NDArray[np.float64], of: NDArray[np.bool_]) -> SchemeFigures:
    labels, groups = zoo.labels[of], zoo.groups[of]
    shown = {name: found[name][of] for name in SHOWN}
    return SchemeFigures(
        subjects=len(labels),
        positives=int(labels.sum()),
        answers_that_turn=answers_that_turn(gaps[of]),
        auc={name: auc(values, labels) for name, values in shown.items()},
        within_configuration_auc={
            name: within_configuration_auc(values, labels, groups)[0] for name, values in shown.items()
        },
        lead_over_usual_places=lead(shown[SANDWICH], shown[USUAL_PLACES], labels, groups),
    )
