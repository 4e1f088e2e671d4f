"""Anybody's module behind the interface of `Subjects`: token ids in, logits out.

What stands where is chosen by masked fillers (`fillers`), or by positions where the module takes them. Vectors go in
through the module's own embedding, whose output is replaced; streams come out of its blocks (`insides`). The module
comes back as it went in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from probe_sandwich.subjects.checkpoint import UnrunnableModel
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.foreign.facts import ForeignFacts
from probe_sandwich.subjects.foreign.fillers import at_places, with_fillers
from probe_sandwich.subjects.foreign.frame import framed, own_places
from probe_sandwich.subjects.foreign.insides import (
    Call,
    Insides,
    device_of,
    find_insides,
    frozen,
    hooked,
    stream_of,
    with_stream,
)
from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.symbols import own_ids, untested_symbols
from probe_sandwich.subjects.transformer import Responses, lens_depths
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.task import AnyTask

CallAt = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Runs a module as `Call` does, with the positions `(batch, length)` of the ids."""
_TRIALS, _ALIKE = 8, 1e-4


@dataclass(frozen=True)
class Reading:
    """How a module reads inputs: its symbols in id order, its names of the task's symbols where they differ, and the
    ids of what stands before, after and beyond an input."""

    vocabulary: tuple[str, ...]
    train_max_length: int
    pad: int
    begin: int | None = None
    end: int | None = None
    task: AnyTask = field(default_factory=Task)
    symbols: Mapping[str, str] = field(default_factory=dict)
    classes: int = 2

    @property
    def frame(self) -> int:
        """Symbols around an input."""
        return (self.begin is not None) + (self.end is not None)

    @property
    def special(self) -> list[str]:
        """Symbols that are none of the task's."""
        return [self.vocabulary[own] for own in (self.begin, self.end, self.pad) if own is not None]

    @property
    def own_ids(self) -> tuple[int, ...]:
        """The module's ids of the task's symbols, of the begin symbol (0 where there is none) and of the padding."""
        begin = None if self.begin is None else self.vocabulary[self.begin]
        return own_ids(self.task, self.vocabulary, self.symbols, begin, self.vocabulary[self.pad])


class PlainSubject:
    """One module, frozen while it is asked.

    Where it cannot be placed, everything stands at its usual places. Without an embedding that reads the ids, `vectors`
    are the ids themselves, of width 1, and distributions go in as their likeliest symbols.
    """

    def __init__(self, module: nn.Module, call: Call, reading: Reading, call_at: CallAt | None = None) -> None:
        """Raises `UnrunnableModel`."""
        self.module = module
        self.call = call
        self.call_at = call_at
        self.reading = reading
        self.own_ids = torch.tensor(reading.own_ids)
        with frozen(module):
            self.insides = _looked_into(module, call, int(self.own_ids[0]))
        self.first_stays = False
        self.configs = (
            ForeignFacts(
                type(module).__name__,
                reading.task,
                reading.train_max_length,
                self._longest_formula(),
                Placing.IMPOSSIBLE,
                untested_symbols(reading.task, reading.vocabulary, reading.symbols, reading.special),
                reading.classes,
            ),
        )
        self.configs = (replace(self.configs[0], placing=self._find_placing()),)

    def __len__(self) -> int:
        return 1

    @property
    def device(self) -> torch.device:
        return device_of(self.module)

    @property
    def size(self) -> Size:
        table = self.insides.embedding
        parameters = sum(parameter.numel() for parameter in self.module.parameters())
        width = 1 if table is None else table.embedding_dim
        attentions = [part for part in self.module.modules() if isinstance(part, nn.MultiheadAttention)]
        heads = attentions[0].num_heads if attentions else max(1, width // 8)
        inside = parameters - (0 if table is None else table.weight.numel())
        return Size(inside, len(self.insides.blocks), heads, width, 4 * width)

    def embed_ids(self, ids: Tensor) -> Tensor:
        return self._vectors(self.own_ids.to(self.device)[ids])

    def embed_distribution(self, symbols: Tensor) -> Tensor:
        own = self.own_ids.to(self.device)
        begin = self._vectors(own[symbols.shape[-1]]).expand(1, len(symbols), 1, -1)
        if self.insides.embedding is None:
            inside = self._vectors(own[symbols.argmax(dim=-1)])
        else:
            inside = symbols.to(begin.dtype) @ self._vectors(own[: symbols.shape[-1]])
        return torch.cat([begin, inside.unsqueeze(0)], dim=2)

    def forward(
        self, vectors: Tensor, mask: Tensor, positions: Tensor | None = None, *, with_streams: bool = False
    ) -> Responses:
        end = self.reading.end
        end_vector = None if end is None else self._vectors(torch.tensor(end, device=self.device))
        x, seen = framed(vectors[0], mask.expand(1, -1, -1)[0], self.reading.begin is not None, end_vector)
        places = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
        if positions is not None and self.configs[0].placing is not Placing.IMPOSSIBLE:
            own = own_places(positions[0], self.reading.begin is not None, end is not None)
            places = own.expand(len(x), -1)
        with frozen(self.module):
            logits, streams = self._run(x, seen, places, with_streams)
            if not with_streams:
                return Responses(logits.unsqueeze(0), None, None, mask)
            stacked = torch.stack([streams[depth - 1] for depth in lens_depths(len(streams))], dim=1)
            lens = self._head(stacked.flatten(0, 2)).float().unflatten(0, stacked.shape[:3])
        norms = stacked.float().square().mean(dim=-1).add(1e-6).log() / 2
        return Responses(logits.unsqueeze(0), lens.unsqueeze(0), norms.unsqueeze(0), mask)

    def _vectors(self, own: Tensor) -> Tensor:
        """The module's vectors `(..., width)` of its own ids."""
        embedding = self.insides.embedding
        return own.unsqueeze(-1).float() if embedding is None else embedding.weight.detach()[own]

    def _run(
        self, x: Tensor, seen: Tensor, places: Tensor, with_streams: bool, filler: int | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits `(batch, classes)`, and of every block the stream `(batch, length, width)` at the symbols."""
        if self.call_at is not None:
            call_at = self.call_at
            return self._asked(lambda ids, mask: call_at(ids, mask, places), x, seen, with_streams)
        if self.first_stays:
            places = torch.cat([torch.zeros_like(places[:, :1]), places[:, 1:]], dim=1)
        stands = self._vectors(torch.tensor(self.reading.pad if filler is None else filler, device=self.device))
        moved, visible = with_fillers(x, seen, places, stands)
        logits, streams = self._asked(self.call, moved, visible, with_streams)
        return logits, [at_places(stream, places) for stream in streams]

    def _asked(self, call: Call, x: Tensor, seen: Tensor, with_streams: bool) -> tuple[Tensor, list[Tensor]]:
        streams: list[Tensor] = []

        def keep(block: nn.Module, inputs: Any, output: Any) -> None:
            streams.append(self._by_batch(stream_of(output)))

        with hooked(dict.fromkeys(self.insides.blocks, keep) if with_streams else {}):
            return self._called(call, x, seen).float(), streams

    def _called(self, call: Call, x: Tensor, seen: Tensor) -> Tensor:
        """Logits, with vectors `x` in the place of what the embedding makes of the ids."""
        embedding, pad = self.insides.embedding, self.reading.pad
        if embedding is None:
            return call(torch.where(seen, x[..., 0].round().long(), pad), seen)
        # A module may look at its ids for padding.
        ids = torch.where(seen, self.own_ids[0].to(self.device), pad)

        def replaced(part: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            return x if output.shape == x.shape else x.transpose(0, 1)

        with hooked({embedding: replaced}):
            return call(ids, seen)

    def _head(self, vectors: Tensor) -> Tensor:
        """What the module makes of vectors `(count, width)` after its last block, each a sequence by itself, so that
        whatever pools it leaves it as it is: logits `(count, classes)`."""

        def replaced(block: nn.Module, inputs: Any, output: Any) -> Any:
            return with_stream(output, self._by_batch(vectors.unsqueeze(1)))

        ids = self.own_ids[:1].to(self.device).expand(len(vectors), 1)
        with hooked({self.insides.blocks[-1]: replaced}):
            return self.call(ids, torch.ones_like(ids, dtype=torch.bool))

    def _by_batch(self, stream: Tensor) -> Tensor:
        return stream if self.insides.batch_first else stream.transpose(0, 1)

    def _longest_formula(self) -> int | None:
        """None where it runs on four times T; else the most symbols that it runs on. Raises `UnrunnableModel`."""
        least, most = self.reading.train_max_length, 4 * self.reading.train_max_length
        if self._failure(most) is None:
            return None
        failure = self._failure(least)
        if failure is not None:
            raise UnrunnableModel(
                f"the module cannot be run on {least} symbols, the T that it is said to have been trained on: {failure}"
            )
        while most - least > 1:
            middle = (least + most) // 2
            least, most = (middle, most) if self._failure(middle) is None else (least, middle)
        return least

    def _failure(self, length: int) -> str | None:
        """What goes wrong on sequences of so many symbols, if anything does."""
        ids = torch.zeros(1, 2, 1 + length, dtype=torch.long)
        mask = torch.ones(2, 1 + length, dtype=torch.bool, device=self.device)
        mask[1, 3:] = False
        try:
            with torch.inference_mode():
                logits = self.forward(self.embed_ids(ids), mask).logits
        except Exception as error:  # whatever a module makes of what it does not take
            return f"{type(error).__name__}: {str(error)[:200]}"
        classes = self.reading.classes
        if logits.shape != (1, 2, classes) or not bool(logits.isfinite().all()):
            return f"its answers have shape {list(logits.shape[1:])} and must be {classes} finite numbers each"
        return None

    def _find_placing(self) -> Placing:
        """How symbols are placed: found by moving those of some sequences, and looking whether fillers are seen."""
        if self.call_at is not None:
            return Placing.BY_POSITION
        if self._reach() > (self.configs[0].longest_formula or self._reach()):
            return Placing.IMPOSSIBLE
        with frozen(self.module), torch.inference_mode():
            for self.first_stays in (False, True):
                usual, moved, others = self._moved_trials()
                far = _ALIKE * float(usual.abs().amax())
                if bool((moved - others).abs().amax() <= far):  # False where they are no numbers
                    alike = bool((moved - usual).abs().amax() <= far)
                    return Placing.NEEDLESS if alike else Placing.BY_FILLERS
        return Placing.IMPOSSIBLE

    def _reach(self) -> int:
        """Twice T: as far as probes are placed."""
        return 2 * self.reading.train_max_length

    def _moved_trials(self) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of sequences at their usual places; moved and parted, so far that a count of symbols points into the
        gap; and the same with another symbol for a filler."""
        random = torch.Generator().manual_seed(0)
        length = max(3, self.reading.train_max_length // 2) + self.reading.frame
        symbols = len(alphabet_of(self.reading.task))
        ids = self.own_ids[torch.randint(symbols, (_TRIALS, length), generator=random)].to(self.device)
        x, seen = self._vectors(ids), torch.ones_like(ids, dtype=torch.bool)
        usual = torch.arange(length, device=self.device).expand(_TRIALS, -1)
        gap = self._reach() + self.reading.frame - length
        parted = usual + 1 + (usual >= 2) * (gap - 1)
        return (
            self._run(x, seen, usual, False)[0],
            self._run(x, seen, parted, False)[0],
            self._run(x, seen, parted, False, filler=int(self.own_ids[1]))[0],
        )


def _looked_into(module: nn.Module, call: Call, symbol: int) -> Insides:
    try:
        insides = find_insides(module, call, symbol)
    except Exception as error:  # whatever a module makes of what it does not take
        raise UnrunnableModel(
            f"the module cannot be run on ids of shape (3, 5) and a mask ({type(error).__name__}: {str(error)[:200]}); "
            "check how it is called"
        ) from error
    if not insides.blocks:
        raise UnrunnableModel(
            "no blocks were found in the module: its layers must stand in a ModuleList or Sequential, each giving a "
            "vector for each symbol"
        )
    return insides
