"""Probes with one symbol exchanged for another."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.sandwich.edits import edited
from torch import Tensor

SYMBOLS = 6


def some_candidates(seed: int) -> tuple[Tensor, Tensor]:
    """Eight candidates of 3 to 9 of the first four of six symbols, one-hot, and their lengths."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 10, (8,), generator=random)
    ids = torch.randint(4, (8, int(lengths.max())), generator=random)
    inside = torch.arange(ids.shape[1]) < lengths[:, None]
    return F.one_hot(ids, SYMBOLS).float() * inside.unsqueeze(-1), lengths


def edits_of(symbols: Tensor, lengths: Tensor, parts: int = 3) -> Tensor:
    return torch.stack(list(edited(symbols, lengths, parts, torch.Generator().manual_seed(0))))


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), parts=st.integers(1, 3))
def test_each_edit_exchanges_one_symbol_in_its_part_for_another_that_candidates_hold(seed: int, parts: int) -> None:
    symbols, lengths = some_candidates(seed)
    held = symbols.sum(dim=(0, 1)) > 0
    for part, version in enumerate(edits_of(symbols, lengths, parts)):
        changed = (version != symbols).any(dim=-1)
        assert changed.sum(dim=1).tolist() == [1] * len(lengths)
        place = changed.float().argmax(dim=1)
        assert (place >= (part * lengths / parts).floor()).all()
        assert (place <= ((part + 1) * lengths / parts)).all()
        assert torch.equal(version.sum(dim=(1, 2)), symbols.sum(dim=(1, 2)))
        assert held[version.sum(dim=(0, 1)) > 0].all()


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(SYMBOLS)))
def test_symbols_of_other_numbers_are_exchanged_alike(seed: int, order: list[int]) -> None:
    symbols, lengths = some_candidates(seed)
    assert torch.equal(edits_of(symbols[..., order], lengths), edits_of(symbols, lengths)[..., order])


def test_where_candidates_hold_one_symbol_alone_nothing_is_exchanged() -> None:
    symbols, lengths = F.one_hot(torch.zeros(2, 5, dtype=torch.long), SYMBOLS).float(), torch.tensor([5, 5])
    assert torch.equal(edits_of(symbols, lengths), symbols.expand(3, -1, -1, -1))
