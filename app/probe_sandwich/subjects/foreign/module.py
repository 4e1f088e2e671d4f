"""Anybody's module behind the interface of `Subjects`: token ids in, logits out.

How it is called (`runs`) and how its symbols are placed (`placing`) is found by running it. It reads ids and never
vectors, so that distributions go in as their likeliest symbols; it comes back as it went in.
"""

from itertools import chain
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.foreign.errors import (
    NotInPlainTorch,
    UncallableModel,
    UnusableModel,
    UnusableReading,
)
from probe_sandwich.subjects.foreign.facts import ForeignFacts
from probe_sandwich.subjects.foreign.frame import framed, own_places
from probe_sandwich.subjects.foreign.placing import find_placing
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.runs import Forward, find_run
from probe_sandwich.subjects.foreign.tables import bounded
from probe_sandwich.subjects.foreign.untouched import device_of, untouched
from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.symbols import untested_symbols
from probe_sandwich.subjects.transformer import Responses

_HEAD_WIDTH = 8


def check_plain(module: nn.Module) -> None:
    """Raises `NotInPlainTorch`."""
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise NotInPlainTorch("a ScriptModule", "give the nn.Module that it was made of")
    if any(is_lazy(part) for part in chain(module.parameters(), module.buffers())):
        raise NotInPlainTorch("not initialized yet, as some of its parts are lazy", "run it once on ids of its own")
    if any(parameter.is_meta for parameter in module.parameters()):
        raise NotInPlainTorch("on the device `meta`, without weights", "load them first, onto the CPU or a GPU")


def _check_symbols(module: nn.Module, reading: Reading) -> None:
    """Raises `UnusableReading`."""
    rows = max((part.num_embeddings for part in module.modules() if isinstance(part, nn.Embedding)), default=None)
    if rows is not None and rows < len(reading.vocabulary):
        raise UnusableReading(
            f"vocabulary: it names {len(reading.vocabulary)} symbols, and the model's largest table has {rows} rows: "
            "give the symbols in the order of their ids, as many as the model has"
        )


class PlainSubject:
    """One module, frozen while it is asked. Where it cannot be placed, everything stands at its usual places, and
    `obstacle` says why."""

    def __init__(self, module: nn.Module, reading: Reading, forward: Forward | None = None) -> None:
        """`forward` where the module cannot be called as it is. Raises `UnusableReading`, and `UnusableModel`, but not
        `CannotBePlaced`."""
        check_plain(module)
        _check_symbols(module, reading)
        self.module = module
        self.reading = reading
        self.own_ids = torch.tensor(reading.own_ids)
        with untouched(module), bounded(module), torch.inference_mode(False), torch.no_grad():
            self._run, heeds_mask = find_run(module, reading, forward)
            longest = self._longest_formula()
            placed = find_placing(self._run, module, reading, heeds_mask, longest)
        self._run = placed.run
        self.obstacle = placed.obstacle
        facts = ForeignFacts(
            type(module).__name__,
            reading.task,
            reading.train_max_length,
            longest,
            placed.placing,
            untested_symbols(reading.task, reading.vocabulary, reading.symbols, reading.special),
            reading.classes,
        )
        self.configs = (facts,)

    def __len__(self) -> int:
        return 1

    @property
    def device(self) -> torch.device:
        return device_of(self.module)

    def to(self, device: torch.device) -> Self:
        """The same, its module moved to a device."""
        self.module.to(device)
        return self

    @property
    def size(self) -> Size:
        tables = [part for part in self.module.modules() if isinstance(part, nn.Embedding)]
        parameters = sum(parameter.numel() for parameter in self.module.parameters())
        inside = parameters - sum(table.weight.numel() for table in tables)
        width = max((table.embedding_dim for table in tables), default=max(_HEAD_WIDTH, round((inside / 24) ** 0.5)))
        attentions = [part for part in self.module.modules() if isinstance(part, nn.MultiheadAttention)]
        heads = attentions[0].num_heads if attentions else max(1, width // _HEAD_WIDTH)
        # A layer of the usual proportions has twelve squares of its width.
        return Size(inside, max(1, round(inside / (12 * width**2))), heads, width, 4 * width)

    def embed_ids(self, ids: Tensor) -> Tensor:
        return self.own_ids.to(self.device)[ids].unsqueeze(-1).float()

    def embed_distribution(self, symbols: Tensor) -> Tensor:
        begin = torch.full_like(symbols[:, :1, 0], symbols.shape[-1], dtype=torch.long)
        return self.embed_ids(torch.cat([begin, symbols.argmax(dim=-1)], dim=1).unsqueeze(0))

    def forward(self, vectors: Tensor, mask: Tensor, positions: Tensor | None = None) -> Responses:
        begins, end = self.reading.begin is not None, self.reading.end_id
        end_vector = None if end is None else torch.tensor([float(end)], device=self.device)
        x, seen = framed(vectors[0], mask.expand(1, -1, -1)[0], begins, end_vector)
        ids = torch.where(seen, x[..., 0].round().long(), self.reading.pad_id)
        places = None
        if positions is not None and self.configs[0].placing is not Placing.IMPOSSIBLE:
            places = self._reachable(own_places(positions[0], begins, end is not None)).expand(len(ids), -1)
        # What a module keeps of a run, such as a mask, must serve its training afterwards.
        with untouched(self.module), torch.inference_mode(False), torch.no_grad():
            logits = self._run(ids.clone(), seen.clone(), None if places is None else places.clone())
        return Responses(logits.unsqueeze(0), mask)

    def _reachable(self, places: Tensor) -> Tensor:
        """Places of which those past the module's last are its last."""
        longest = self.configs[0].longest_formula
        if longest is None or self.configs[0].placing is not Placing.BY_POSITION:
            return places
        return places.clamp(max=longest + self.reading.frame - 1)

    def _longest_formula(self) -> int | None:
        """None where it runs on four times T; else the most symbols that it runs on. Raises `UncallableModel`."""
        least, most = self.reading.train_max_length, 4 * self.reading.train_max_length
        if self._runs_on(most):
            return None
        if not self._runs_on(least):
            raise UncallableModel(f"it does not run on {least} symbols, the T that the Reading says")
        while most - least > 1:
            middle = (least + most) // 2
            least, most = (middle, most) if self._runs_on(middle) else (least, middle)
        return least

    def _runs_on(self, symbols: int) -> bool:
        ids = torch.full((2, symbols + self.reading.frame), self.reading.own_ids[0], device=self.device)
        try:
            self._run(ids, torch.ones_like(ids, dtype=torch.bool), None)
        except UnusableModel:
            return False
        return True
