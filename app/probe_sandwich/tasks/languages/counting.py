"""Languages of counts: majority, parity, and the number of a symbol modulo three (Deletang et al. 2023)."""

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.tasks.languages.language import Language, Strings, substitute, uniform


def _majority(strings: Strings) -> NDArray[np.bool_]:
    """More a than b; c counts for neither."""
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) > (strings == 1).sum(axis=1)
    return result


def _parity(strings: Strings) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) % 2 == 0
    return result


def _modulo(strings: Strings) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (strings == 0).sum(axis=1) % 3 == 0
    return result


MAJORITY = Language(("a", "b", "c"), uniform(3), _majority, substitute(3))
PARITY = Language(("a", "b"), uniform(2), _parity, substitute(2))
MODULO = Language(("a", "b"), uniform(2), _modulo, substitute(2))
