"""How symbols are moved to places further out in somebody's module: found by moving some."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.foreign.errors import (
    AnswersNothing,
    CountsItsSymbols,
    FillersSeen,
    NoRoomForPlaces,
    TakesNoPlaces,
    UnusableModel,
)
from probe_sandwich.subjects.foreign.fillers import with_fillers
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.runs import PlacedRun, alike, by_length, precision_of, random_ids, says_nothing
from probe_sandwich.subjects.foreign.tables import by_tables, embeddings_asked, find_tables
from probe_sandwich.subjects.foreign.untouched import device_of

_TRIALS = 8


@dataclass(frozen=True)
class PlacedModule:
    """How a module's symbols are placed, a run that does it, and what stands in the way where nothing does."""

    placing: Placing
    run: PlacedRun
    obstacle: UnusableModel | None = None


@dataclass(frozen=True)
class _Trial:
    """Random inputs at their usual places and, moved and parted, at others, beyond T where there is room."""

    ids: Tensor
    usual: Tensor
    places: Tensor
    answers: Tensor
    """Logits `(batch, classes)` at the usual places."""


def find_placing(
    run: PlacedRun, module: nn.Module, reading: Reading, heeds_mask: bool, longest: int | None
) -> PlacedModule:
    """The way that a module can be placed in, positions before fillers where both say the same.

    `heeds_mask`: whether a batch may be padded; `longest`: the most symbols that it runs on, None for no end.
    """
    reach = 2 * reading.train_max_length
    fits = longest is None or reach <= longest
    trial = _trial(run, module, reading, reach if fits else reading.train_max_length)
    precision = precision_of(module)
    if says_nothing(trial.answers, precision):
        return PlacedModule(Placing.IMPOSSIBLE, run, AnswersNothing())
    by_position = _by_position(run, module, reading, trial)
    fillers = _by_fillers(run, module, reading, trial) if heeds_mask and fits else None
    if by_position is not None:
        # What is told of positions beside those that can be chosen shows where fillers move it too.
        hidden = None if fillers is None or fillers.placing is not Placing.BY_FILLERS else fillers.run
        asked = (trial.ids, _all_seen(trial.ids), _first_at_0(trial.places))
        if hidden is None or alike(by_position(*asked), hidden(*asked), precision):
            return PlacedModule(Placing.BY_POSITION, by_position if heeds_mask else by_length(by_position))
    if fillers is not None:
        return fillers
    if not reading.positions:
        return PlacedModule(Placing.NEEDLESS, run)
    missing = TakesNoPlaces() if not heeds_mask else NoRoomForPlaces(longest or reach, reach)
    return PlacedModule(Placing.IMPOSSIBLE, run, missing)


def _trial(run: PlacedRun, module: nn.Module, reading: Reading, reach: int) -> _Trial:
    # So far that a count of symbols points into the gap.
    length = max(3, reading.train_max_length // 2) + reading.frame
    ids = random_ids(reading, _TRIALS, length).to(device_of(module))
    usual = torch.arange(length, device=ids.device).expand(_TRIALS, -1)
    gap = reach + reading.frame - length
    places = usual + 1 + (usual >= 2) * (gap - 1)
    return _Trial(ids, usual, places, run(ids, _all_seen(ids), None))


def _by_position(run: PlacedRun, module: nn.Module, reading: Reading, trial: _Trial) -> PlacedRun | None:
    """A run at chosen positions, by an argument for them or by the module's tables; None where neither moves it."""
    tables = find_tables(run, module, reading)
    offsets = sorted({0, 1, reading.pad_id + 1})
    runs = [_shifted(run, offset) for offset in offsets] + ([by_tables(run, tables)] if tables else [])
    precision = precision_of(module)
    for placed in runs:
        try:
            usual = placed(trial.ids, _all_seen(trial.ids), trial.usual)
            moved = placed(trial.ids, _all_seen(trial.ids), trial.places)
        except UnusableModel:  # positions that it does not take
            continue
        if alike(trial.answers, usual, precision) and not alike(usual, moved, precision):
            return placed
    return None


def _shifted(run: PlacedRun, first: int) -> PlacedRun:
    """A run of a module whose first position has another number."""
    return lambda ids, mask, places: run(ids, mask, None if places is None else places + first)


def _by_fillers(run: PlacedRun, module: nn.Module, reading: Reading, trial: _Trial) -> PlacedModule:
    """Whether masked fillers move symbols, with all of them moved, and with the first one at its place."""
    precision = precision_of(module)
    seen = _all_seen(trial.ids)
    for first_stays in (False, True):
        placed = _filled(run, reading.pad_id, first_stays)
        moved = placed(trial.ids, seen, trial.places)
        others = _with_other_fillers(run, module, reading, trial, first_stays)
        if alike(moved, others, precision):
            if not alike(trial.answers, moved, precision):
                return PlacedModule(Placing.BY_FILLERS, placed)
            if not reading.positions:
                return PlacedModule(Placing.NEEDLESS, placed)
            return PlacedModule(Placing.IMPOSSIBLE, run, CountsItsSymbols())
    return PlacedModule(Placing.IMPOSSIBLE, run, FillersSeen())


def _with_other_fillers(
    run: PlacedRun, module: nn.Module, reading: Reading, trial: _Trial, first_stays: bool
) -> Tensor:
    """Answers with something else where the fillers stand. The ids stay where a module may find padding by them: there
    it is noise on what its embedding makes of them."""
    readers = [embedding for embedding, asked in embeddings_asked(run, module, trial.ids) if _same(asked, trial.ids)]
    seen, by_noise = _all_seen(trial.ids), reading.pad is not None and bool(readers)

    def noisy(part: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        noise = torch.linspace(-1, 1, output.shape[-1], device=output.device)  # no constant, which norms take away
        noisy_output: Tensor = output + ((inputs[0] == reading.pad_id).unsqueeze(-1) * noise).to(output.dtype)
        return noisy_output

    placed = _filled(run, reading.pad_id if by_noise else reading.own_ids[1], first_stays)
    handles = [embedding.register_forward_hook(noisy) for embedding in readers] if by_noise else []
    try:
        return placed(trial.ids, seen, trial.places)
    finally:
        for handle in handles:
            handle.remove()


def _filled(run: PlacedRun, filler: int, first_stays: bool) -> PlacedRun:
    """A run whose places are reached by masked fillers."""

    def placed(ids: Tensor, mask: Tensor, places: Tensor | None) -> Tensor:
        if places is None:
            return run(ids, mask, None)
        if first_stays:
            places = _first_at_0(places)
        moved, seen = with_fillers(ids.unsqueeze(-1), mask, places, torch.tensor([filler], device=ids.device))
        return run(moved[..., 0], seen, None)

    return placed


def _first_at_0(places: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(places[:, :1]), places[:, 1:]], dim=1)


def _all_seen(ids: Tensor) -> Tensor:
    return torch.ones_like(ids, dtype=torch.bool)


def _same(asked: Tensor, ids: Tensor) -> bool:
    return torch.equal(asked, ids) or torch.equal(asked, ids.T)
