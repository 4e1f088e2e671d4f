"""How symbols are moved in somebody's module: found by moving some."""

import pytest
import torch
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.foreign.errors import AnswersNothing, NoRoomForPlaces, TakesNoPlaces
from probe_sandwich.subjects.foreign.placing import PlacedModule, find_placing
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.runs import find_run
from torch import Tensor, nn

from tests.own_models import VOCABULARY, T

READING = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#")
UNTOLD = READING.model_copy(update={"positions": False})


class Weighing(nn.Module):
    """The mean of vectors, each weighed by a wave over its position: one of `inputs`' own or, without, its number."""

    def __init__(self, wave: float = 1.0, constant: bool = False, room: int = 1000) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Parameter(torch.randn(len(VOCABULARY), 2) * (not constant))
        self.wave, self.room = wave, room

    def forward(self, ids: Tensor, padding_mask: Tensor) -> Tensor:
        return self.pooled(ids, ~padding_mask, torch.arange(ids.shape[1]).expand_as(ids))

    def pooled(self, ids: Tensor, seen: Tensor, positions: Tensor) -> Tensor:
        assert ids.shape[1] <= self.room
        weight = (1 + self.wave * torch.sin(positions + 1.0)) * seen
        return (weight.unsqueeze(-1) * self.table[ids]).sum(dim=1)


class WithPositions(Weighing):
    def forward(self, ids: Tensor, padding_mask: Tensor, position_ids: Tensor | None = None) -> Tensor:  # type: ignore[override]
        usual = torch.arange(ids.shape[1]).expand_as(ids)
        return self.pooled(ids, ~padding_mask, usual if position_ids is None else position_ids)


class Unmasked(Weighing):
    def forward(self, ids: Tensor) -> Tensor:  # type: ignore[override]
        return self.pooled(ids, torch.ones_like(ids), torch.arange(ids.shape[1]).expand_as(ids))


def placed(module: nn.Module, reading: Reading = READING, longest: int | None = None) -> PlacedModule:
    with torch.no_grad():
        run, heeds_mask = find_run(module, reading)
        return find_placing(run, module, reading, heeds_mask, longest)


@pytest.mark.parametrize(
    ("module", "placing"), [(WithPositions(), Placing.BY_POSITION), (Weighing(), Placing.BY_FILLERS)]
)
def test_a_symbol_placed_further_out_is_read_there(module: Weighing, placing: Placing) -> None:
    found = placed(module)
    assert found.placing is placing
    ids, places = torch.tensor([[1, 2, 3]]), torch.tensor([[0, 1, 14]])
    seen = torch.ones_like(ids, dtype=torch.bool)
    wanted = module.pooled(ids, seen, places)
    torch.testing.assert_close(found.run(ids, seen, places), wanted)
    assert not torch.allclose(found.run(ids, seen, None), wanted, atol=1e-3)


def test_a_module_said_to_have_no_positions_needs_no_placing() -> None:
    assert placed(Weighing(wave=0), UNTOLD).placing is Placing.NEEDLESS


@pytest.mark.parametrize(
    ("module", "longest", "obstacle"),
    [
        (Weighing(constant=True), None, AnswersNothing),
        (Unmasked(), None, TakesNoPlaces),
        (Weighing(room=2 * T - 1), 2 * T - 1, NoRoomForPlaces),
    ],
)
def test_what_stands_in_the_way_is_told(module: nn.Module, longest: int | None, obstacle: type[Exception]) -> None:
    found = placed(module, longest=longest)
    assert (found.placing, type(found.obstacle)) == (Placing.IMPOSSIBLE, obstacle)
