"""Verdicts that are withheld."""

from dataclasses import replace

import pytest
import torch
from probe_sandwich.diagnosis import Verdict, diagnose, load_meta_classifiers
from probe_sandwich.formulas.tasks import TaskName
from probe_sandwich.options import Options
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.uploads import load_upload

from tests.conftest import EXAMPLES

CPU = torch.device("cpu")
QUICK = Options(direct_test=False, noise_draws=1)


def ensemble_that_says(*probabilities: float) -> MetaClassifier:
    """The shipped ensemble, its members' answers replaced."""
    shipped = load_meta_classifiers(SHIPPED_MODELS, CPU)[TaskName.CONJUNCTION]
    logits = torch.tensor(probabilities).logit().tolist()
    members = [
        replace(member, calibration=Calibration(slope=0.0, shift=logit))
        for member, logit in zip(shipped.members, logits, strict=True)
    ]
    return replace(shipped, members=tuple(members))


@pytest.mark.parametrize(
    ("probabilities", "verdict"),
    [
        ((0.9, 0.9, 0.9, 0.9, 0.9), Verdict.GENERALIZER),
        ((0.9, 0.9, 0.9, 0.9, 0.4), Verdict.GENERALIZER),
        ((0.9, 0.9, 0.9, 0.2, 0.2), Verdict.ABSTAIN),
        ((0.1, 0.1, 0.1, 0.1, 0.1), Verdict.NOT_GENERALIZER),
    ],
)
def test_an_ensemble_of_two_minds_gives_no_verdict(probabilities: tuple[float, ...], verdict: Verdict) -> None:
    checkpoint = load_upload(EXAMPLES[0])
    meta = {TaskName.CONJUNCTION: ensemble_that_says(*probabilities)}
    (diagnosis,) = diagnose([checkpoint], meta, CPU, QUICK)
    assert diagnosis.verdict is verdict
    assert diagnosis.generalizer_probability == pytest.approx(sum(probabilities) / 5)
    assert ("of two minds" in diagnosis.reason) == (verdict is Verdict.ABSTAIN)
