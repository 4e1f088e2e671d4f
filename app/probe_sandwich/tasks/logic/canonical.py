"""Formulas with their variables renamed: the same formula under all names."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.logic.vocabulary import VARIABLES


def canonical(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Formulas `(formulas, length)` with their variables renamed in order of first occurrence."""
    length = ids.shape[1]
    occurs = ids[:, None, :] == np.arange(len(VARIABLES), dtype=np.uint8)[:, None]
    first = np.where(occurs.any(axis=2), occurs.argmax(axis=2), length)
    rank = first.argsort(axis=1, kind="stable").argsort(axis=1).astype(np.uint8)
    renamed = np.take_along_axis(rank, np.minimum(ids, len(VARIABLES) - 1).astype(np.int64), axis=1)
    return np.where(ids < len(VARIABLES), renamed, ids)
