"""What the sandwich and the length test need of a subject, whoever's architecture it is."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.transformer import Responses
from probe_sandwich.tasks.task import AnyTask


class SubjectFacts(Protocol):
    """What a subject was trained for."""

    @property
    def task(self) -> AnyTask: ...

    @property
    def train_max_length(self) -> int: ...

    @property
    def classes(self) -> int:
        """Answers that it chooses from."""

    @property
    def longest_formula(self) -> int | None:
        """Symbols of the longest formula that it can take; None where there is no end."""

    @property
    def placing(self) -> Placing:
        """How a probe's symbols are placed in it, if they can be."""

    @property
    def untested_symbols(self) -> tuple[str, ...]:
        """Symbols of its vocabulary that no formula here holds."""


class Subjects(Protocol):
    """One or more frozen subjects that run as one batch, with a leading axis of models.

    Ids are places in the task's alphabet, the begin symbol and the padding after it; positions are those of sequences
    with the begin symbol first, whatever the subject makes of them.
    """

    @property
    def configs(self) -> Sequence[SubjectFacts]: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def size(self) -> Size:
        """Of each of them."""

    def __len__(self) -> int: ...

    def embed_ids(self, ids: Tensor) -> Tensor:
        """Symbol ids `(models or 1, batch, length)` as vectors `(models, batch, length, d_model)`."""

    def embed_distribution(self, symbols: Tensor) -> Tensor:
        """Distributions over the task's alphabet `(batch, length, symbols)` as vectors
        `(models, batch, 1 + length, d_model)`."""

    def forward(self, vectors: Tensor, mask: Tensor, positions: Tensor | None = None) -> Responses:
        """Responses to vectors, padding to the right, at `positions (1, batch or 1, length)` where these are given
        and the subject's architecture lets them be chosen."""
