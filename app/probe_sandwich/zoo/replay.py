"""Steps of training that a GPU records once and plays again.

The few hundred kernels of a small subject's step take microseconds each, and launching them one by one takes longer
than that. A CUDA graph (Programming Guide, CUDA Graphs) launches them as one; what is a step's own is written where
the recorded kernels read it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

_BEFORE = 3
_CUDA = torch.device("cuda")


@dataclass(frozen=True)
class Turn:
    """What is a step's own: formulas and position offsets `(models, batch)`, the pace of its update `(4, models, 1)`,
    and the width of its batch."""

    chosen: Tensor
    offsets: Tensor | None
    pace: Tensor
    width: int

    @property
    def parts(self) -> list[Tensor]:
        """Its tensors."""
        return [part for part in (self.chosen, self.offsets, self.pace) if part is not None]

    def on(self, device: torch.device) -> "Turn":
        """The same, copied to a device."""
        offsets = None if self.offsets is None else self.offsets.to(device)
        return replace(self, chosen=self.chosen.to(device), offsets=offsets, pace=self.pace.to(device))


class Replay:
    """A step that is taken a few times, then recorded and played. All turns are of one width, and the tensors that the
    step changes are changed in place."""

    def __init__(self, take: Callable[[Turn], None]) -> None:
        self._take = take
        self._taken = 0
        self._graph = torch.cuda.CUDAGraph()
        self._turn: Turn | None = None

    def __call__(self, turn: Turn) -> None:
        if self._taken < _BEFORE:
            self._apart(turn)
        else:
            self._play(turn)
        self._taken += 1

    def _apart(self, turn: Turn) -> None:
        """On a stream of its own, where libraries set up what cannot be recorded."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._take(turn.on(_CUDA))
        torch.cuda.current_stream().wait_stream(stream)

    def _play(self, turn: Turn) -> None:
        if self._turn is None:
            self._turn = turn.on(_CUDA)
            with torch.cuda.graph(self._graph):
                self._take(self._turn)
        else:
            for place, part in zip(self._turn.parts, turn.parts, strict=True):
                place.copy_(part)
        self._graph.replay()
