"""Verdicts that an ensemble withholds: from whom, and whether they would have been right."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from probe_sandwich.sandwich.prediction import Prediction


class Withholding(BaseModel):
    """Of some subjects: how many there are, and the shares whose responses are unlike the zoo's, on which members
    disagree (`Prediction.split`), and for which either holds, so that the sandwich abstains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    unlike: float
    split: float
    abstain: float


class Abstaining(BaseModel):
    """Accuracy of all verdicts on some subjects, of those given and of those withheld; None where there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    withheld: float
    accuracy: float | None
    accuracy_where_given: float | None
    accuracy_where_withheld: float | None


def withholding(prediction: Prediction, threshold: float) -> Withholding:
    """From whom a verdict is withheld. Responses that are not finite count as unlike the zoo's."""
    unlike, split = prediction.unlike, prediction.split(threshold)
    return Withholding(
        subjects=len(unlike),
        unlike=float(unlike.mean()),
        split=float(split.mean()),
        abstain=float((unlike | split).mean()),
    )


def measure_abstaining(predictions: Sequence[Prediction], labels: NDArray[np.bool_], threshold: float) -> Abstaining:
    """Accuracy of the verdicts on some zoos' subjects, one zoo after the other, with and without those withheld."""
    withheld = np.concatenate([one.unlike | one.split(threshold) for one in predictions])
    right = (np.concatenate([one.probability for one in predictions]) >= threshold) == labels

    def share(of: NDArray[np.bool_]) -> float | None:
        return float(right[of].mean()) if of.any() else None

    return Abstaining(
        subjects=len(labels),
        withheld=float(withheld.mean()),
        accuracy=share(np.ones_like(withheld)),
        accuracy_where_given=share(~withheld),
        accuracy_where_withheld=share(withheld),
    )
