"""Published schemes: they train, and they train nothing but themselves."""

import torch
from probe_sandwich.evidence.experiment.rivals import RIVALS, read_rival, train_rival
from probe_sandwich.sandwich.sandwich import frozen_hash
from probe_sandwich.zoo.cohorts import Cohort


def test_rivals_change_themselves_alone(shipped_cohort: Cohort) -> None:
    before = frozen_hash(shipped_cohort.subjects)
    width = shipped_cohort.subjects.configs[0].d_model
    for name, make in RIVALS.items():
        torch.manual_seed(0)
        rival = make(12, [width])
        start = {key: value.clone() for key, value in rival.state_dict().items()}
        rival, validation = train_rival(rival, [shipped_cohort], seed=0)
        changed = [key for key, value in rival.state_dict().items() if not torch.equal(value, start[key])]
        assert set(changed) == set(start), name
        assert read_rival(rival, validation).isfinite().all()
    assert frozen_hash(shipped_cohort.subjects) == before


def test_learned_inputs_are_as_long_as_the_longest_training_formula(shipped_cohort: Cohort) -> None:
    width = shipped_cohort.subjects.configs[0].d_model
    models = len(shipped_cohort.subjects)
    shapes = {name: tuple(make(12, [width]).inputs(shipped_cohort.subjects).shape) for name, make in RIVALS.items()}
    assert shapes == {"probegen": (models, 64, 13, width), "mntd": (models, 10, 13, width)}
