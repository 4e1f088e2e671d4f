"""Options that several commands share, their bounds from the one place that has them."""

import os
from enum import StrEnum
from typing import Any

import typer

from probe_sandwich.options import Options

CORES = os.cpu_count() or 1
DEFAULTS = Options()
MOST_SEED = 2**32 - 1


class Device(StrEnum):
    """Where a computation runs."""

    CPU = "cpu"
    CUDA = "cuda"


def chosen(name: str) -> Any:
    """A command-line option for a field of `Options`, with the field's description and bounds."""
    field = Options.model_fields[name]
    bounds = {}
    for bound in field.metadata:
        if hasattr(bound, "ge"):
            bounds["min"] = bound.ge
        if hasattr(bound, "le"):
            bounds["max"] = bound.le
        if hasattr(bound, "lt"):
            bounds["max"] = bound.lt - 1
    said = field.description or ""
    return typer.Option(help=f"{said[:1].upper()}{said[1:]}.", **bounds)
