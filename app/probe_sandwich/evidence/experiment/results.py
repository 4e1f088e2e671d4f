"""Jobs of an experiment, and their results on disk: what is finished is not done again after a stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import torch

Result = TypeVar("Result")
Done = Callable[[], None]
"""Called whenever a job has ended."""


class ResumableJob(Protocol):
    """A piece of work that a process can be handed: frozen data, a name for its result, and how to do it."""

    @property
    def key(self) -> str:
        """Names the result's file."""
        ...

    def run(self) -> object:
        """The result."""
        ...


def run_once(job: ResumableJob, folder: Path) -> Path:
    """The file of a job's result; the job is run where there is none yet."""
    path = folder / f"{job.key}.pt"
    if not path.exists():
        save_result(path, job.run())
    return path


def save_result(path: Path, result: object) -> None:
    """Write a result: the file appears whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(result, partial)
    partial.replace(path)


def load_result(path: Path, kind: type[Result]) -> Result:
    """Read a result."""
    # A pickle, as results hold modules; this program wrote it.
    found = torch.load(path, weights_only=False)
    assert isinstance(found, kind)
    return found
