"""Keeps one worker process a device alive, and gives them jobs one at a time.

A worker is ready after it has classified a built-in generalizer and a built-in non-generalizer rightly, and again
after each restart. A job over its deadline or without a client is cancelled; a worker that does not look is killed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from probe_sandwich.answer import Diagnosis, Verdict
from probe_sandwich.api.messages import (
    Cancel,
    Done,
    Failed,
    Job,
    LoadedMetaClassifier,
    Outcome,
    Stage,
    Started,
    Subject,
)
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.quarantine import Quarantine
from probe_sandwich.api.queue import FairQueue
from probe_sandwich.api.worker_process import WorkerLost, WorkerProcess
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

log = logging.getLogger("probe_sandwich.supervisor")
_START_SECONDS = 120.0
_CANCEL_SECONDS = 2.0
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
_BUILT_IN = {"generalizer": Verdict.GENERALIZER, "not-generalizer": Verdict.NOT_GENERALIZER}
# A fifth of the usual formulas: enough to tell these two apart, and a restart costs a second less.
_SELF_CHECK = Options(formulas_per_length=200)
Listener = Callable[[Stage], None]


class StartFailed(Exception):
    """A worker could not load a meta-classifier, or got a built-in example wrong."""


class Unfinished(Problem):
    """A job that did not end: over its deadline, or its worker was lost; with the outcomes that it had by then."""

    outcomes: Sequence[Outcome] = ()


@dataclass(frozen=True)
class Upload:
    """A subject's files on disk, and a hash of all of it."""

    subject: Subject
    sha256: str


@dataclass
class _Pending:
    """A job with someone waiting for it, unless `left` is set."""

    job: Job
    hashes: frozenset[str]
    client: str
    tell: Listener
    result: asyncio.Future[list[Outcome]]
    outcomes: list[Outcome] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Slot:
    """A device's place for a worker, and how the one in it does."""

    device: str
    ready: bool = False
    served: bool = False
    """The worker in it has been ready."""
    failed: bool = False
    """The last worker in it ended before it was ready."""


class Supervisor:
    """Workers, and the queue before them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.meta_classifiers: list[LoadedMetaClassifier] = []
        self.slots = [_Slot(device) for device in settings.worker_devices()]
        self.quarantine = Quarantine(settings.quarantine_seconds)
        self._queue: FairQueue[_Pending] = FairQueue()
        self._keepers: list[asyncio.Task[None]] = []
        self._reason = "the workers are starting"

    @property
    def ready(self) -> bool:
        """Whether some worker is ready."""
        return any(slot.ready for slot in self.slots)

    @property
    def alive(self) -> bool:
        """Whether someone still sees to the workers: only then can what is not ready become so."""
        return any(not keeper.done() for keeper in self._keepers)

    @property
    def _hopeless(self) -> bool:
        # A job waits while a worker is being replaced, but not for one that does not start.
        return all(slot.failed for slot in self.slots)

    @property
    def reason(self) -> str:
        """Why no worker is ready, or what the ready ones lack."""
        if self.ready and not self.meta_classifiers:
            folder = self.settings.models_dir
            return f"{folder} holds no meta-classifier, so every answer abstains; set PROBE_SANDWICH_MODELS_DIR"
        return "" if self.ready else self._reason

    def not_ready(self) -> Problem:
        """What to tell a client while no worker is ready."""
        return Problem("not-ready", 503, self.reason, {"Retry-After": str(self.settings.retry_after_seconds)})

    async def start(self) -> None:
        """Start the workers, and wait for the first to be ready or to fail."""
        first = asyncio.Event()
        self._keepers = [asyncio.create_task(self._keep(slot, first)) for slot in self.slots]
        await first.wait()

    async def close(self) -> None:
        """Stop the workers; jobs still there are lost."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def run(self, uploads: Sequence[Upload], options: Options, client: str, tell: Listener) -> list[Outcome]:
        """Outcomes of a job, one a subject.

        Raises `Unfinished` where the worker was lost or the deadline passed, `Problem` where no worker starts.
        Cancelling this call cancels the job.
        """
        if self._hopeless:
            raise self.not_ready()
        job = Job(subjects=[upload.subject for upload in uploads], options=options)
        hashes = frozenset(upload.sha256 for upload in uploads)
        pending = _Pending(job, hashes, client, tell, asyncio.get_running_loop().create_future())
        self._queue.put(client, pending)
        self.metrics.waiting.inc()
        try:
            return await pending.result
        finally:
            pending.left.set()

    async def _keep(self, slot: _Slot, first: asyncio.Event) -> None:
        """Keep a worker in the slot, for as long as the service runs and whatever happens."""
        failures = 0
        while True:
            try:
                await self._employ(slot, first)
            except (WorkerLost, StartFailed, TimeoutError) as error:
                self._reason = str(error) or "a worker has ended and is being replaced"
                log.warning("a worker has ended", extra={"device": slot.device, "reason": self._reason})
            except Exception as error:  # no room for a process or a thread, or anything that nobody has foreseen
                self._reason = f"a worker cannot be kept: {error}"
                log.exception("a worker cannot be kept", extra={"device": slot.device})
            slot.failed = not slot.served
            first.set()
            self.metrics.restarts.inc()
            if slot.failed:  # it did not get far: do not spin
                self._turn_away()
                await asyncio.sleep(min(_LONGEST_PAUSE_SECONDS, _PAUSE_SECONDS * 2**failures))
            failures = min(failures + 1, 10) if slot.failed else 0

    async def _employ(self, slot: _Slot, first: asyncio.Event) -> None:
        """One worker, from its start to its end; raises whatever ended it."""
        slot.served = False
        process = WorkerProcess(self.settings, slot.device)
        try:
            await self._make_ready(process)
            slot.ready, slot.served, slot.failed = True, True, False
            first.set()
            await self._serve(process)
        finally:
            slot.ready = False
            await process.kill()

    async def _make_ready(self, process: WorkerProcess) -> None:
        async with asyncio.timeout(_START_SECONDS):
            started = await process.next()
            if isinstance(started, Failed):
                raise StartFailed(started.detail)
            if not isinstance(started, Started):
                raise WorkerLost
            self.meta_classifiers = started.meta_classifiers
            for name, expected in _BUILT_IN.items():
                file = self.settings.models_dir / "examples" / f"{name}.safetensors"
                if self.meta_classifiers and file.exists():
                    job = Job(subjects=[Subject(checkpoint=file)], options=_SELF_CHECK)
                    outcomes: list[Outcome] = []
                    await self._run(process, job, lambda stage: None, outcomes)
                    _check(file.name, outcomes[0], expected)

    def _turn_away(self) -> None:
        """Answer whoever waits, where no worker starts."""
        while self._hopeless and not self._queue.empty():
            self.metrics.waiting.dec()
            waiting = self._queue.pop()
            if not waiting.result.done():
                waiting.result.set_exception(self.not_ready())

    async def _serve(self, process: WorkerProcess) -> None:
        while True:
            pending = await self._take(process)
            self.metrics.waiting.dec()
            if not pending.left.is_set():
                await self._answer(process, pending)

    async def _take(self, process: WorkerProcess) -> _Pending:
        """The next job, unless the worker ends before there is one."""
        getting, ending = asyncio.ensure_future(self._queue.get()), asyncio.ensure_future(process.ended.wait())
        try:
            await asyncio.wait((getting, ending), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                pending = getting.result()
                if not process.ended.is_set():
                    return pending
                self._queue.put(pending.client, pending)  # it is not this job that ended the worker
            raise WorkerLost("a worker ended while it had nothing to do")
        finally:
            ending.cancel()
            getting.cancel()

    async def _answer(self, process: WorkerProcess, pending: _Pending) -> None:
        """Run a job for whoever waits; raises `WorkerLost` where the worker must be replaced."""
        started = time.monotonic()
        running = asyncio.create_task(self._run(process, pending.job, pending.tell, pending.outcomes))
        leaving = asyncio.create_task(pending.left.wait())
        try:
            await asyncio.wait(
                (running, leaving), timeout=self.settings.deadline_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not running.done():
                self._settle(pending, self._deadline_exceeded())
                await self._cancel(process, running)
            await running
            for outcome in pending.outcomes:
                if outcome.diagnosis is not None and len(pending.hashes) == 1:
                    self.quarantine.forgive(*pending.hashes)
            self._settle(pending, None)
        except WorkerLost:
            if len(pending.hashes) == 1:  # of many files nobody knows which it was
                self.quarantine.blame(*pending.hashes)
            self._settle(pending, self._worker_lost())
            raise
        finally:
            self._queue.charge(pending.client, time.monotonic() - started)
            running.cancel()
            leaving.cancel()

    async def _cancel(self, process: WorkerProcess, running: "asyncio.Task[None]") -> None:
        process.send(Cancel())
        await asyncio.wait((running,), timeout=_CANCEL_SECONDS)
        if not running.done():
            raise WorkerLost("a cancelled job did not stop")

    async def _run(self, process: WorkerProcess, job: Job, tell: Listener, outcomes: list[Outcome]) -> None:
        """Run a job; its outcomes are told as they come."""
        process.send(job)
        while not isinstance(message := await process.next(), Done):
            if isinstance(message, Stage):
                tell(message)
            elif isinstance(message, Outcome):
                outcomes.append(message)

    def _settle(self, pending: _Pending, failure: Unfinished | None) -> None:
        if pending.result.done():
            return
        outcomes = sorted(pending.outcomes, key=lambda outcome: outcome.index)
        if failure is None:
            pending.result.set_result(outcomes)
        else:
            failure.outcomes = outcomes
            pending.result.set_exception(failure)

    def _deadline_exceeded(self) -> Unfinished:
        seconds = self.settings.deadline_seconds
        return Unfinished("deadline-exceeded", 422, f"the job took over {seconds:g} s; ask for fewer formulas or draws")

    def _worker_lost(self) -> Unfinished:
        return Unfinished(
            "worker-lost",
            503,
            "the worker process ended during this job, perhaps for want of memory; it is being replaced",
            {"Retry-After": str(self.settings.retry_after_seconds)},
        )


def _check(name: str, outcome: Outcome, expected: Verdict) -> None:
    """Raises `StartFailed`."""
    verdict = outcome.problem.detail if outcome.problem else "nothing"
    if outcome.diagnosis is not None:
        diagnosis = Diagnosis.model_validate_json(outcome.diagnosis)
        verdict = diagnosis.verdict
        if verdict is expected and diagnosis.direct_test is not None:
            if diagnosis.direct_test.generalizer == (expected is Verdict.GENERALIZER):
                return
            verdict = "another direct test"
    raise StartFailed(f"the built-in {name} came out as {verdict}, not {expected}")
