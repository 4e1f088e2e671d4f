"""Jobs that read the same large thing, on several processes of one thread each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from probe_sandwich.zoo.engines.local import start_worker, worker_pool

ReadingJob = Callable[[Any], Any]
"""From what all jobs read to what this one finds; picklable."""
RunOfJobs = Callable[[Sequence[ReadingJob]], Iterator[Any]]

_read: Any = None
"""In a worker process: what its jobs read."""


@contextmanager
def workers_that_read(what: object, count: int) -> Iterator[RunOfJobs]:
    """Whoever gets jobs and gives what they find, in their order: so many processes, each with a copy of what the jobs
    read or, of one, this process itself."""
    if count == 1:
        yield lambda jobs: (job(what) for job in jobs)
        return
    with worker_pool(count, partial(_start, what)) as pool:
        yield lambda jobs: pool.map(_run, jobs)


def _start(what: object) -> None:
    global _read  # noqa: PLW0603 - a worker process is its own world, and this is set once
    start_worker()
    _read = what


def _run(job: ReadingJob) -> object:
    return job(_read)
