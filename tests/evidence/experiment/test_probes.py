"""Probes to fit on, and others to judge on."""

import pytest
from probe_sandwich.evidence.experiment.probes import ProbeKind, probe_set
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.tasks.logic.tasks import Task, TaskName

CONFIG = SandwichConfig(probe_length=12, probes=4, generator_hidden=16)
TRAINING = SandwichTraining(warm_up_steps=2, fitting_draws=3)


@pytest.mark.parametrize("kind", ProbeKind)
def test_readouts_are_judged_on_other_draws_than_those_that_they_are_fitted_on(kind: ProbeKind) -> None:
    found = probe_set(kind, CONFIG, TRAINING, Task(name=TaskName.CONJUNCTION))
    longer = kind in (ProbeKind.LONGER, ProbeKind.LONGER_REAL)
    assert found.fitting.symbols.shape[:3] == (3, 4, 24 if longer else 12)
    assert len(found.judging.symbols) == len(found.judging.noise) == DRAWS
    fitting, judging = found.fitting.noise.flatten(0, 1), found.judging.noise.flatten(0, 1)
    assert not (fitting[:, None] == judging).all(dim=2).any()
