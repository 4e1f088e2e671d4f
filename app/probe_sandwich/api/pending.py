"""A job with someone waiting for it."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from probe_sandwich.api.messages import Job, Outcome, Stage, Subject
from probe_sandwich.api.problems import Problem
from probe_sandwich.options import Options

Listener = Callable[[Stage], None]
_numbers = itertools.count(1)


class Unfinished(Problem):
    """A job that did not end: over its deadline, or its worker was lost; with the outcomes that it had by then."""

    outcomes: Sequence[Outcome] = ()


@dataclass(frozen=True)
class HashedUpload:
    """A subject's files on disk, and a hash of all of it."""

    subject: Subject
    sha256: str


@dataclass(eq=False)
class Pending:
    """A job, who sent it and who hears of it."""

    uploads: Sequence[HashedUpload]
    options: Options
    client: str
    tell: Listener
    number: int = field(default_factory=lambda: next(_numbers))
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nobody waits any more."""
    outcomes: list[Outcome] = field(default_factory=list)
    result: asyncio.Future[list[Outcome]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    too_long: bool = False
    """It was sent as a brief job, and is none."""
    again: bool = False
    """It was begun anew, since its worker was lost through no fault of its own."""

    def job(self, brief: bool) -> Job:
        """The message that starts it, from its beginning."""
        self.outcomes.clear()
        subjects = [upload.subject for upload in self.uploads]
        return Job(number=self.number, subjects=subjects, options=self.options, brief=brief)

    @property
    def only_hash(self) -> str | None:
        """The hash of its file; None where there are several, of which nobody knows which it was."""
        hashes = {upload.sha256 for upload in self.uploads}
        return hashes.pop() if len(hashes) == 1 else None

    def settle(self, failure: Problem | None = None) -> None:
        """Give whoever waits the outcomes, or the failure with those there are; the first call counts."""
        if self.result.done():
            return
        first = {outcome.index: outcome for outcome in reversed(self.outcomes)}  # whatever a worker says twice
        outcomes = [first[index] for index in sorted(first)]
        if failure is None:
            self.result.set_result(outcomes)
        else:
            if isinstance(failure, Unfinished):
                failure.outcomes = outcomes
            self.result.set_exception(failure)
            self.result.exception()  # seen, even if nobody waits
