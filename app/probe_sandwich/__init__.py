"""Probe Sandwich: which Transformers generalize to longer inputs?

`classify` and what it takes are loaded when they are first asked for: importing the package loads no PyTorch.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probe_sandwich.answer import Diagnosis
    from probe_sandwich.classification import classify
    from probe_sandwich.options import Options
    from probe_sandwich.subjects.foreign.reading import Reading

__all__ = ["Diagnosis", "Options", "Reading", "classify"]

# Before torch is loaded: how long its threads spin while they wait for one another. For ever, an answer takes several
# times as long beside other busy processes; not at all, twice as long on an idle machine. OMP_WAIT_POLICY and
# GOMP_SPINCOUNT in the environment are left as they are.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

_HOMES = {
    "Diagnosis": "probe_sandwich.answer",
    "Options": "probe_sandwich.options",
    "Reading": "probe_sandwich.subjects.foreign.reading",
    "classify": "probe_sandwich.classification",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
