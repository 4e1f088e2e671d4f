"""What is known of a foreign subject beside its weights."""

from dataclasses import dataclass

from probe_sandwich.subjects.config import Placing
from probe_sandwich.tasks.task import AnyTask


@dataclass(frozen=True)
class ForeignFacts:
    """What is known of a foreign subject beside its weights."""

    architecture: str
    task: AnyTask
    train_max_length: int
    longest_formula: int | None
    placing: Placing
    untested_symbols: tuple[str, ...] = ()
    classes: int = 2
