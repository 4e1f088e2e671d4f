"""Files that cost a worker its life are refused for a while, so that one of them does not do so all day."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from probe_sandwich.api.problems import Problem

_DEATHS = 2
_MOST = 1000


@dataclass
class _Record:
    deaths: int
    last: float


class Quarantine:
    """Remembers the hashes of the latest such files, at most a thousand."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def blame(self, sha256: str) -> None:
        """A worker was lost to this file."""
        record = self._recent(sha256)
        self._records[sha256] = _Record((record.deaths if record else 0) + 1, self._clock())
        self._records.move_to_end(sha256)
        while len(self._records) > _MOST:
            self._records.popitem(last=False)

    def forgive(self, sha256: str) -> None:
        """A worker has read this file and lives."""
        self._records.pop(sha256, None)

    def refusal(self, sha256: str) -> Problem | None:
        """Why a file is refused now, or None."""
        record = self._recent(sha256)
        if record is None or record.deaths < _DEATHS:
            return None
        left = record.last + self.seconds - self._clock()
        return Problem(
            "refused-file",
            422,
            f"this file has ended a worker process {record.deaths} times; it is refused for another {left:.0f} s",
        )

    def _recent(self, sha256: str) -> _Record | None:
        record = self._records.get(sha256)
        return record if record is not None and self._clock() - record.last < self.seconds else None
