"""Options that several commands share, their bounds from the one place that has them."""

import os
from enum import StrEnum
from typing import Annotated

import typer
from pydantic.fields import FieldInfo

CORES = os.cpu_count() or 1
MOST_SEED = 2**32 - 1


class Device(StrEnum):
    """Where a computation runs."""

    CPU = "cpu"
    CUDA = "cuda"


def command_line_option(field: FieldInfo) -> object:
    """The type of a command-line option for a field of `Options`, with the field's description and bounds."""
    bounds = {}
    for bound in field.metadata:
        if hasattr(bound, "ge"):
            bounds["min"] = bound.ge
        if hasattr(bound, "le"):
            bounds["max"] = bound.le
        if hasattr(bound, "lt"):
            bounds["max"] = bound.lt - 1
    description = field.description or ""
    return Annotated[field.annotation, typer.Option(help=f"{description[:1].upper()}{description[1:]}.", **bounds)]
