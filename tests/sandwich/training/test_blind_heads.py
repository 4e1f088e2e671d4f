"""Who is blind to whom."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.sandwich.training.blind_heads import BlindHeads, TooFewConfigurations


@given(st.integers(2, 6), st.integers(6, 30), st.integers(0, 99))
def test_a_head_is_blind_to_whole_configurations_and_every_head_to_some(
    heads: int, configurations: int, seed: int
) -> None:
    groups = 3 + torch.arange(4 * configurations) % configurations
    blind = BlindHeads.assign(groups, groups, heads, seed).of(groups)
    for group in groups.unique():
        assert len(blind[groups == group].unique()) == 1
    assert sorted(blind.unique().tolist()) == list(range(heads))


def test_all_configurations_of_a_unit_have_the_same_blind_head() -> None:
    groups = torch.arange(24) // 2
    units = groups // 3
    blind = BlindHeads.assign(units, groups, 2, seed=0).of(groups)
    for unit in units.unique():
        assert len(blind[units == unit].unique()) == 1


def test_a_subjects_held_out_score_is_that_of_the_head_that_is_blind_to_it() -> None:
    groups = torch.tensor([0, 0, 1, 2])
    blind = BlindHeads.assign(groups, groups, 3, seed=0)
    scores = np.arange(12.0).reshape(3, 4)
    assert blind.held_out(scores, groups).tolist() == [scores[blind.of(groups)[n], n] for n in range(4)]


def test_more_heads_than_configurations_are_refused() -> None:
    groups = torch.tensor([0, 0, 1])
    with pytest.raises(TooFewConfigurations, match="5 heads"):
        BlindHeads.assign(groups, groups, 5, seed=0)
