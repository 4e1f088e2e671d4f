"""What one worker does: jobs one at a time, but a long one is interrupted for brief ones whose turn it is.

A long job is looked at several times a second. Where a client who has cost less waits by then, his jobs run in the
middle of it, between two of its batches, as long as they are brief; what is not comes back and waits for the worker.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from probe_sandwich.api.messages import Cancel, Done, Outcome, Resume, Stage
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.pending import Pending, Unfinished
from probe_sandwich.api.quarantine import Quarantine
from probe_sandwich.api.queue import FairQueue
from probe_sandwich.api.worker_process import WorkerLost, WorkerProcess
from probe_sandwich.settings import Settings

_TURN_SECONDS = 0.25
_CANCEL_SECONDS = 10.0


class Deaf(WorkerLost):
    """A worker does not stop a cancelled job: on a busy machine that may be nobody's fault."""


@dataclass(eq=False)
class _Run:
    """A job in the worker."""

    pending: Pending
    done: asyncio.Event = field(default_factory=asyncio.Event)
    end: str = ""
    seconds: float = 0.0
    """That it ran, interruptions left out."""

    def hear(self, message: Stage | Outcome | Done) -> None:
        if isinstance(message, Stage):
            self.pending.tell(message)
        elif isinstance(message, Outcome):
            self.pending.outcomes.append(message)
        else:
            self.end = message.end
            self.done.set()


class Serving:
    """Gives one worker its jobs."""

    def __init__(
        self,
        process: WorkerProcess,
        queue: FairQueue[Pending],
        quarantine: Quarantine,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._process = process
        self._queue = queue
        self._quarantine = quarantine
        self._settings = settings
        self._metrics = metrics
        self._runs: dict[int, _Run] = {}
        self._running: _Run | None = None
        """What the worker computes now, as far as it has said: whose fault it is where it ends."""
        self._open = False
        """Whether jobs of the queue may run in it."""
        self._reading = asyncio.create_task(self._read())

    def close(self) -> None:
        """Listen to the worker no more."""
        self._reading.cancel()

    async def serve(self) -> None:
        """Run jobs from the queue until the worker ends. Raises `WorkerLost`."""
        self._open = True
        while True:
            pending = await self._take()
            self._metrics.waiting.dec()
            if not pending.left.is_set():
                await self.answer(pending)

    async def answer(self, pending: Pending, brief: bool = False) -> None:
        """Run a job for whoever waits. Raises `WorkerLost` where the worker must be replaced."""
        run = self._runs[pending.number] = _Run(pending)
        try:
            self._process.send(pending.job(brief))
            await self._attend(run, brief)
        except WorkerLost as error:
            self._account_for(run, error)
            raise
        finally:
            del self._runs[pending.number]
        if run.end == "too_long":
            pending.too_long = True
            self._wait_again(pending)
            return
        if pending.only_hash is not None and any(outcome.diagnosis is not None for outcome in pending.outcomes):
            self._quarantine.forgive(pending.only_hash)
        pending.settle()

    async def _read(self) -> None:
        """Pass on what the worker says. Raises `WorkerLost`."""
        while True:
            message = await self._process.next()
            if isinstance(message, Stage | Outcome | Done) and (run := self._runs.get(message.job)) is not None:
                self._running = None if isinstance(message, Done) else run
                run.hear(message)

    async def _take(self) -> Pending:
        """The next job, unless the worker ends before there is one."""
        getting = asyncio.ensure_future(self._queue.get())
        try:
            await asyncio.wait((getting, self._reading), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                pending = getting.result()
                if not self._reading.done():
                    return pending
                self._queue.put(pending.client, pending, first=True)  # it is not this job that ended the worker
            raise WorkerLost("a worker ended while it had nothing to do")
        finally:
            getting.cancel()

    async def _attend(self, run: _Run, brief: bool) -> None:
        """Watch a job until it ends; raises `WorkerLost`."""
        pending = run.pending
        done, leaving = asyncio.ensure_future(run.done.wait()), asyncio.ensure_future(pending.left.wait())
        try:
            while True:
                started = time.monotonic()
                await asyncio.wait(
                    (done, leaving, self._reading), timeout=_TURN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                seconds = time.monotonic() - started
                run.seconds += seconds
                self._queue.charge(pending.client, seconds)
                if run.done.is_set():
                    return
                if self._reading.done():
                    raise WorkerLost
                if pending.left.is_set() or run.seconds > self._settings.deadline_seconds:
                    pending.settle(self._deadline_exceeded())
                    await self._cancel(pending, done)
                    return
                if self._open and not brief:
                    await self._give_turns(run)
        finally:
            done.cancel()
            leaving.cancel()

    async def _give_turns(self, run: _Run) -> None:
        """Interrupt a job for those who stand before its client. Raises `WorkerLost`."""
        interrupted = False
        client = run.pending.client
        while (other := self._queue.pop_before(client, lambda pending: not pending.too_long)) is not None:
            self._metrics.waiting.dec()
            if not other.left.is_set():
                interrupted = True
                await self.answer(other, brief=True)
        self._queue.pass_on(client)
        if interrupted:
            self._process.send(Resume())
            self._running = run

    async def _cancel(self, pending: Pending, done: "asyncio.Future[Any]") -> None:
        """Raises `Deaf`."""
        self._process.send(Cancel(job=pending.number))
        await asyncio.wait((done, self._reading), timeout=_CANCEL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if self._reading.done():
            raise WorkerLost
        if not done.done():
            raise Deaf("a cancelled job did not stop")

    def _account_for(self, run: _Run, error: WorkerLost) -> None:
        """Blame the job that ran for the loss of its worker; any other that was there waits for the next, once."""
        pending = run.pending
        if run is self._running and pending.only_hash is not None and not isinstance(error, Deaf):
            self._quarantine.blame(pending.only_hash)
        if run is self._running or pending.again or pending.result.done():
            pending.settle(self._worker_lost())
        else:
            pending.again = True
            self._wait_again(pending)

    def _wait_again(self, pending: Pending) -> None:
        self._metrics.waiting.inc()
        self._queue.put(pending.client, pending, first=True)

    def _deadline_exceeded(self) -> Unfinished:
        seconds = self._settings.deadline_seconds
        return Unfinished("deadline-exceeded", 422, f"the job took over {seconds:g} s; ask for fewer formulas or draws")

    def _worker_lost(self) -> Unfinished:
        return Unfinished(
            "worker-lost",
            503,
            "the worker process ended during this job, perhaps for want of memory; it is being replaced",
            {"Retry-After": str(self._settings.retry_after_seconds)},
        )
