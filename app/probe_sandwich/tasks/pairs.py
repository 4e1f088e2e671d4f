"""Minimal pairs, as every task makes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairs:
    """Minimal pairs of one length: symbol ids, `(pairs, length)` each, of class 1 and of class 0."""

    positive: NDArray[np.uint8]
    negative: NDArray[np.uint8]

    @staticmethod
    def joined(parts: "Sequence[Pairs]", length: int) -> "Pairs":
        """All pairs of some parts."""
        return Pairs(
            np.concatenate([*(part.positive for part in parts), np.empty((0, length), np.uint8)]),
            np.concatenate([*(part.negative for part in parts), np.empty((0, length), np.uint8)]),
        )
