"""How a foreign subject frames a formula."""

import pytest
import torch
from probe_sandwich.subjects.foreign.frame import framed, own_places

SEQUENCES = torch.tensor([[[1.0], [2.0], [3.0]], [[1.0], [5.0], [0.0]]])
MASK = torch.tensor([[True, True, True], [True, True, False]])
END = torch.tensor([7.0])


@pytest.mark.parametrize(
    ("begins", "end", "rows", "lengths"),
    [
        (True, None, [[1, 2, 3], [1, 5, 0]], [3, 2]),
        (False, None, [[2, 3], [5, 0]], [2, 1]),
        (True, END, [[1, 2, 3, 7], [1, 5, 7, 0]], [4, 3]),
        (False, END, [[2, 3, 7], [5, 7, 0]], [3, 2]),
    ],
)
def test_the_end_follows_the_last_symbol_of_each(
    begins: bool, end: torch.Tensor | None, rows: list[list[int]], lengths: list[int]
) -> None:
    x, mask = framed(SEQUENCES, MASK, begins, end)
    assert x.squeeze(-1).tolist() == rows
    assert mask.sum(dim=1).tolist() == lengths


def test_without_a_begin_symbol_the_first_stands_at_place_zero() -> None:
    places = torch.tensor([[0, 1, 5]])
    assert own_places(places, True, False).tolist() == [[0, 1, 5]]
    assert own_places(places, False, False).tolist() == [[0, 4]]
    assert own_places(places, False, True).tolist() == [[0, 4, 5]]
