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
    blind = BlindHeads.assign(groups, heads, seed).of(groups)
    for group in groups.unique():
        assert len(blind[groups == group].unique()) == 1
    assert sorted(blind.unique().tolist()) == list(range(heads))


def test_a_subjects_held_out_score_is_that_of_the_head_that_is_blind_to_it() -> None:
    groups = torch.tensor([0, 0, 1, 2])
    blind = BlindHeads.assign(groups, 3, seed=0)
    scores = np.arange(12.0).reshape(3, 4)
    assert blind.held_out(scores, groups).tolist() == [scores[blind.of(groups)[n], n] for n in range(4)]


def test_more_heads_than_configurations_are_refused() -> None:
    with pytest.raises(TooFewConfigurations, match="5 heads"):
        BlindHeads.assign(torch.tensor([0, 0, 1]), 5, seed=0)
