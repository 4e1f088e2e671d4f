"""A classifier around PyTorch's own encoder."""

import pytest
import torch
from probe_sandwich.zoo.foreign.config import ForeignPool, PositionSource
from probe_sandwich.zoo.foreign.plain import PlainClassifier

from tests.zoo.foreign.plans import plan

IDS = torch.tensor([[3, 5, 0, 6, 1], [2, 6, 4, 0, 0]])
PADDING = torch.tensor([[False] * 5, [False, False, False, True, True]])


def classifier(**facts: object) -> PlainClassifier:
    """One with random weights."""
    torch.manual_seed(0)
    return PlainClassifier(plan(**facts).config).eval()


@pytest.mark.parametrize("pool", [pool for pool in ForeignPool if pool is not ForeignPool.OWN])
@pytest.mark.parametrize("causal", [True, False])
def test_padding_changes_nothing(pool: ForeignPool, causal: bool) -> None:
    module = classifier(pool=pool, causal=causal)
    padded, alone = module(IDS, PADDING)[1], module(IDS[1:, :3])[0]
    torch.testing.assert_close(padded, alone)


@pytest.mark.parametrize("table", [PositionSource.LEARNED, PositionSource.SINUSOIDAL])
def test_places_are_counted_from_zero_unless_they_are_given(table: PositionSource) -> None:
    module = classifier(table=table)
    usual = torch.arange(5).expand(2, -1)
    assert torch.equal(module(IDS, PADDING), module(IDS, PADDING, usual))
    assert not torch.allclose(module(IDS, PADDING), module(IDS, PADDING, usual + 7))


def test_without_a_table_places_say_nothing() -> None:
    module = classifier(table=PositionSource.NONE)
    assert torch.equal(module(IDS), module(IDS, None, torch.arange(5).expand(2, -1) + 7))


def test_the_first_place_of_a_causal_one_sees_nothing_of_what_follows() -> None:
    module = classifier(causal=True, pool=ForeignPool.FIRST)
    changed = IDS.clone()
    changed[:, 1:] = 7
    torch.testing.assert_close(module(IDS), module(changed))
