"""Trees grown for the heads of a readout."""

import torch
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.sandwich.forest import Forest
from probe_sandwich.sandwich.training.forest_fit import grow
from torch import Tensor

SUBJECTS, DRAWS, FEATURES = 400, 2, 2


def grown(features: Tensor, targets: Tensor, blind: Tensor) -> Forest:
    forest = Forest(heads=2, trees=20, leaves=32, outputs=2)
    grow(forest, features, targets, torch.ones(len(features)), blind, seed=0)
    return forest


def planted() -> tuple[Tensor, Tensor, Tensor]:
    """Features of which the first decides the targets, and the heads that are blind."""
    features = torch.randn(SUBJECTS, DRAWS, FEATURES, generator=torch.Generator().manual_seed(0))
    features[:, :, 0] = features[:, :1, 0]
    return features, (features[:, 0, :1] > 0).float().expand(-1, 2), torch.arange(SUBJECTS) % 2


def test_trees_find_the_feature_that_decides_also_for_subjects_that_they_are_blind_to() -> None:
    features, targets, blind = planted()
    said = grown(features, targets, blind)(features[:, 0])[:, :, 0]  # (heads, subjects)
    held_out = said[blind, torch.arange(SUBJECTS)]
    assert (auc(held_out.double().numpy(), targets[:, 0].numpy() == 1) or 0) > 0.85


def test_what_a_head_says_does_not_depend_on_the_targets_of_those_it_is_blind_to() -> None:
    features, targets, blind = planted()
    other = torch.where(blind.unsqueeze(1) == 0, 1 - targets, targets)
    one, changed = (grown(features, some, blind)(features[:, 0]) for some in (targets, other))
    assert torch.equal(one[0], changed[0])
    assert not torch.equal(one[1], changed[1])
