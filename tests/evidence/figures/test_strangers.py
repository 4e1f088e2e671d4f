"""Subjects that answer nothing, made of those of a zoo."""

import torch
from probe_sandwich.evidence.figures.strangers import freshly_initialized, with_shuffled_weights
from probe_sandwich.zoo.cohorts import Cohort


def test_shuffled_weights_keep_their_statistics_and_nothing_else(shipped_cohort: Cohort) -> None:
    shuffled = with_shuffled_weights(shipped_cohort.subjects, 0)
    for name, weight in shipped_cohort.subjects.weights.items():
        assert torch.equal(weight.flatten(1).sort().values, shuffled.weights[name].flatten(1).sort().values)
    assert not torch.equal(shuffled.weights["embedding"], shipped_cohort.subjects.weights["embedding"])


def test_fresh_subjects_have_the_same_configurations(shipped_cohort: Cohort) -> None:
    fresh = freshly_initialized(shipped_cohort.subjects, 0)
    assert fresh.configs == shipped_cohort.subjects.configs
    assert fresh.weights["head.bias"].abs().max() == 0
