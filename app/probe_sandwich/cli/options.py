"""Options that several commands share, their bounds from the one place that has them."""

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic.fields import FieldInfo

from probe_sandwich.cli.failures import fail

if TYPE_CHECKING:
    from probe_sandwich.cluster import Cluster

CORES = os.cpu_count() or 1
MOST_SEED = 2**32 - 1


class EngineName(StrEnum):
    """Where work is spread."""

    LOCAL = "local"
    RAY = "ray"


Workers = Annotated[int, typer.Option(min=1, help="Processes, one thread each.")]
Address = Annotated[str | None, typer.Option(help="Ray cluster to join; none: one on this machine.")]


def cluster(address: str | None, device: str) -> "Cluster":
    """A Ray cluster."""
    try:
        from probe_sandwich.cluster import Cluster  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise fail("Ray is not installed; run `pip install 'probe-sandwich[ray]'`") from error
    return Cluster(address, device)


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
