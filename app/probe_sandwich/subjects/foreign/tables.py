"""Tables of positions within a module: an `nn.Embedding` that is asked for 0, 1, 2, … whatever the input is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from probe_sandwich.subjects.foreign.errors import BeyondItsTables
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.runs import PlacedRun
from probe_sandwich.subjects.foreign.untouched import device_of

_ROWS = 3


@dataclass(frozen=True)
class PositionTable:
    """A table of positions, the number of its first one, and whether it is asked for `(length, batch)`."""

    embedding: nn.Embedding
    first: int
    transposed: bool


def find_tables(run: PlacedRun, module: nn.Module, reading: Reading) -> tuple[PositionTable, ...]:
    """The tables of positions that a module is seen to use."""
    length = reading.train_max_length + reading.frame
    ids = torch.full((_ROWS, length), reading.own_ids[0], device=device_of(module))
    found: dict[nn.Embedding, PositionTable] = {}
    for embedding, asked in embeddings_asked(run, module, ids):
        transposed = asked.ndim == 2 and asked.shape[0] == length
        rows = asked.T if transposed else asked
        usual = torch.arange(length, device=asked.device) + asked.flatten()[0]
        if rows.shape[-1] == length and bool((rows == usual).all()):
            found[embedding] = PositionTable(embedding, int(usual[0]), transposed)
    return tuple(found.values())


def embeddings_asked(run: PlacedRun, module: nn.Module, ids: Tensor) -> list[tuple[nn.Embedding, Tensor]]:
    """The embeddings that a module asks while it runs on ids `(batch, length)`, each with what it is asked for."""
    found: list[tuple[nn.Embedding, Tensor]] = []

    def see(part: nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(part, nn.Embedding) and inputs and isinstance(inputs[0], Tensor):
            found.append((part, inputs[0]))

    with _hooked(dict.fromkeys(module.modules(), see)), torch.no_grad():
        run(ids, torch.ones_like(ids, dtype=torch.bool), None)
    return found


@contextmanager
def bounded(module: nn.Module) -> Iterator[None]:
    """Embeddings that raise `BeyondItsTables` for a row that they have not, on every device: on a GPU the kernel would
    fail later, and nothing would run after it."""

    def check(part: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(part, nn.Embedding)
        if inputs and isinstance(inputs[0], Tensor) and int(inputs[0].amax()) >= part.num_embeddings:
            raise BeyondItsTables(int(inputs[0].amax()), part.num_embeddings)

    tables = [part for part in module.modules() if isinstance(part, nn.Embedding)]
    with _hooked(dict.fromkeys(tables, check)):
        yield


def by_tables(run: PlacedRun, tables: tuple[PositionTable, ...]) -> PlacedRun:
    """A run whose places are looked up in the module's own tables."""

    def placed(ids: Tensor, mask: Tensor, places: Tensor | None) -> Tensor:
        if places is None:
            return run(ids, mask, None)
        hooks: dict[nn.Module, Callable[..., Any]] = {}
        for table in tables:
            own = (places.T if table.transposed else places) + table.first
            hooks[table.embedding] = lambda part, inputs, own=own: (own,)
        with _hooked(hooks):
            return run(ids, mask, None)

    return placed


@contextmanager
def _hooked(hooks: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Hooks before modules that are gone afterwards."""
    handles = [module.register_forward_pre_hook(hook) for module, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
