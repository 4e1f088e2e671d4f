"""Tables of positions within a module."""

import pytest
import torch
from probe_sandwich.subjects.foreign.errors import BeyondItsTables
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.runs import PlacedRun, find_run
from probe_sandwich.subjects.foreign.tables import PositionTable, bounded, by_tables, embeddings_asked, find_tables
from torch import Tensor, nn

from tests.own_models import VOCABULARY, T

READING = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#")
FIRST = 2


class Offset(nn.Module):
    """Symbols and positions, the first of which is number 2."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.symbols, self.positions = nn.Embedding(len(VOCABULARY), 2), nn.Embedding(40, 2)

    def forward(self, ids: Tensor) -> Tensor:
        return self.at(ids, torch.arange(ids.shape[1]).expand_as(ids))

    def at(self, ids: Tensor, places: Tensor) -> Tensor:
        return (self.symbols(ids) * self.positions(places + FIRST)).sum(dim=1)


@pytest.fixture
def module() -> Offset:
    return Offset().requires_grad_(False)


@pytest.fixture
def run(module: Offset) -> PlacedRun:
    return find_run(module, READING)[0]


def test_the_table_is_what_is_asked_for_one_number_after_the_other(module: Offset, run: PlacedRun) -> None:
    assert find_tables(run, module, READING) == (PositionTable(module.positions, FIRST, False),)


def test_what_each_embedding_is_asked_for_is_seen(module: Offset, run: PlacedRun) -> None:
    ids = torch.tensor([[1, 3, 2]])
    asked = {part: given.tolist() for part, given in embeddings_asked(run, module, ids)}
    assert asked == {module.symbols: ids.tolist(), module.positions: [[2, 3, 4]]}


def test_places_are_looked_up_in_the_table_and_the_module_is_left_as_it_was(module: Offset, run: PlacedRun) -> None:
    ids, places = torch.tensor([[1, 3, 2]]), torch.tensor([[0, 5, 20]])
    seen = torch.ones_like(ids, dtype=torch.bool)
    placed = by_tables(run, find_tables(run, module, READING))
    assert torch.equal(placed(ids, seen, places), module.at(ids, places))
    assert torch.equal(placed(ids, seen, None), module(ids))
    assert not any(part._forward_pre_hooks for part in module.modules())


def test_a_row_that_a_table_has_not_is_refused_before_it_is_asked(module: Offset) -> None:
    ids = torch.ones(1, 39, dtype=torch.long)
    with bounded(module), pytest.raises(BeyondItsTables, match="row 40 of a table of 40"):
        module(ids)
    with bounded(module):
        module(ids[:, :38])
