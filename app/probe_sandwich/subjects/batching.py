"""Rows at a time: how many sequences of a batch run together, so that memory and the time to a stop are bounded."""

from collections.abc import Callable, Iterator

from probe_sandwich.subjects.subject import Subjects

BATCH_BYTES = {"cpu": 256 * 2**20, "cuda": 4 * 2**30}
"""What the activations of one batch may take, by kind of device."""
BATCH_FLOP = {"cpu": 2 * 10**10, "cuda": 2 * 10**13}
"""What one batch may compute, about a second: so long does a job run on that nobody waits for."""
MAX_ROWS = {"cpu": 128, "cuda": 512}
"""Of one batch. A processor works a quarter faster on activations that stay in its cache."""

Cancelling = Callable[[], bool]
"""Whether the job should stop; asked before every batch."""


class Cancelled(Exception):
    """The job was asked to stop."""


def never() -> bool:
    """For work that nobody stops."""
    return False


def stop_if(cancelled: Cancelling) -> None:
    """Raises `Cancelled` where the job should stop."""
    if cancelled():
        raise Cancelled


def row_batches(subjects: Subjects, rows: int, length: int, cancelled: Cancelling = never) -> Iterator[slice]:
    """Slices of so many rows, each with as many sequences of `length` positions as run together.

    Raises `Cancelled`.
    """
    together = rows_together(subjects, length)
    for start in range(0, rows, together):
        stop_if(cancelled)
        yield slice(start, start + together)


def rows_together(subjects: Subjects, length: int) -> int:
    """How many sequences of `length` positions run in one batch of a stack: at least one."""
    kind = subjects.device.type
    by_bytes = BATCH_BYTES.get(kind, BATCH_BYTES["cpu"]) // (len(subjects) * subjects.size.row_bytes(length))
    by_flop = BATCH_FLOP.get(kind, BATCH_FLOP["cpu"]) // (len(subjects) * subjects.size.row_flop(length))
    return max(1, min(MAX_ROWS.get(kind, MAX_ROWS["cpu"]), by_bytes, by_flop))
