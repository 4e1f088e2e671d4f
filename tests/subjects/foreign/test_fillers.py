"""Places chosen with masked fillers."""

import torch
from probe_sandwich.subjects.foreign.fillers import at_places, last_seen, with_fillers

VECTORS = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [0.0]]])
MASK = torch.tensor([[True, True, True], [True, True, False]])
PLACES = torch.tensor([[0, 2, 4], [0, 3, 4]])


def test_symbols_stand_at_their_places_and_masked_fillers_between_them() -> None:
    moved, seen = with_fillers(VECTORS, MASK, PLACES, torch.tensor([9.0]))
    assert moved.squeeze(-1).tolist() == [[1, 9, 2, 9, 3], [4, 9, 9, 5, 0]]
    assert seen.int().tolist() == [[1, 0, 1, 0, 1], [1, 0, 0, 1, 0]]


def test_what_stands_at_the_places_is_what_was_put_there() -> None:
    moved, seen = with_fillers(VECTORS, MASK, PLACES, torch.tensor([9.0]))
    assert torch.equal(at_places(moved, PLACES), VECTORS)
    assert last_seen(seen).tolist() == [4, 3]
