"""Keeps one worker process a device alive, and gives them jobs one at a time.

A worker is ready after it has classified a built-in generalizer and a built-in non-generalizer rightly, and again
after each restart. A deadline kills it and frees its slot; a job whose client has left is cancelled.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

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
    from_worker,
)
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.worker import run_worker
from probe_sandwich.diagnosis import Diagnosis, Verdict
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

log = logging.getLogger("probe_sandwich.supervisor")
_START_SECONDS = 120.0
_CANCEL_SECONDS = 2.0
_PAUSE_SECONDS = 1.0
_BUILT_IN = {"generalizer": Verdict.GENERALIZER, "not-generalizer": Verdict.NOT_GENERALIZER}
# A fifth of the usual formulas: enough to tell these two apart, and a restart costs a second less.
_SELF_CHECK = Options(formulas_per_length=200)
Listener = Callable[[Stage], None]


class WorkerLost(Exception):
    """A worker process has ended, or does not answer as it should."""


class StartFailed(Exception):
    """A worker could not load a meta-classifier, or got a built-in example wrong."""


class _Process:
    """One worker process and its pipe; messages arrive on the event loop, None when it has ended."""

    def __init__(self, settings: Settings, device: str) -> None:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self.connection: Connection = ours
        self.messages: asyncio.Queue[Started | Failed | Stage | Outcome | Done | None] = asyncio.Queue()
        self.ended = asyncio.Event()
        self._process = context.Process(target=run_worker, args=(theirs, settings, device), daemon=True)
        self._process.start()
        theirs.close()
        Thread(target=self._read, args=(asyncio.get_running_loop(),), daemon=True).start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while True:
                message = from_worker.validate_json(self.connection.recv_bytes())
                loop.call_soon_threadsafe(self.messages.put_nowait, message)
        except (EOFError, OSError, ValueError, RuntimeError):
            # The pipe has closed, a message was cut short by a kill, or the loop is gone.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self.ended.set()
        self.messages.put_nowait(None)

    def send(self, message: Job | Cancel) -> None:
        """Raises `WorkerLost`."""
        try:
            self.connection.send_bytes(message.model_dump_json().encode())
        except OSError as error:
            raise WorkerLost from error

    async def next(self) -> Started | Failed | Stage | Outcome | Done:
        """Raises `WorkerLost`."""
        message = await self.messages.get()
        if message is None:
            raise WorkerLost
        return message

    async def kill(self) -> None:
        """End it now, and wait until it has."""
        self._process.kill()
        await asyncio.to_thread(self._process.join)
        self.connection.close()


@dataclass
class _Pending:
    """A job with someone waiting for it, unless `left` is set."""

    job: Job
    tell: Listener
    outcomes: asyncio.Future[list[Outcome]]
    left: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Slot:
    """A device's place for a worker, and how the one in it does."""

    device: str
    ready: bool = False
    failed: bool = False
    """The last worker in it ended before it was ready."""


class Supervisor:
    """Workers, and the queue before them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.meta_classifiers: list[LoadedMetaClassifier] = []
        self.slots = [_Slot(device) for device in settings.worker_devices()]
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue()
        self._keepers: list[asyncio.Task[None]] = []
        self._reason = "the workers are starting"

    @property
    def ready(self) -> bool:
        """Whether some worker is ready."""
        return any(slot.ready for slot in self.slots)

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
        first = asyncio.get_running_loop().create_future()
        self._keepers = [asyncio.create_task(self._keep(slot, first)) for slot in self.slots]
        await first

    async def close(self) -> None:
        """Stop the workers; jobs still there are lost."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def run(self, subjects: Sequence[Subject], options: Options, tell: Listener) -> list[Outcome]:
        """Outcomes of a job, one a subject.

        Raises `Problem` where the worker was lost, the deadline passed, or no worker starts. Cancelling this call
        cancels the job.
        """
        if self._hopeless:
            raise self.not_ready()
        pending = _Pending(
            Job(subjects=list(subjects), options=options), tell, asyncio.get_running_loop().create_future()
        )
        self._queue.put_nowait(pending)
        self.metrics.waiting.inc()
        try:
            return await pending.outcomes
        finally:
            pending.left.set()

    async def _keep(self, slot: _Slot, first: asyncio.Future[None]) -> None:
        """Keep a worker in the slot, for as long as the service runs."""
        while True:
            process = _Process(self.settings, slot.device)
            try:
                await self._make_ready(process)
                slot.ready, slot.failed = True, False
                if not first.done():
                    first.set_result(None)
                await self._serve(process)
            except (WorkerLost, StartFailed, TimeoutError) as error:
                self._reason = str(error) or "a worker has ended and is being replaced"
                log.warning("a worker has ended", extra={"device": slot.device, "reason": self._reason})
                slot.failed = not slot.ready
                if not first.done():
                    first.set_result(None)
                if slot.failed:
                    self._turn_away()
                    await asyncio.sleep(_PAUSE_SECONDS)  # it did not get far: do not spin
            finally:
                slot.ready = False
                await process.kill()
            self.metrics.restarts.inc()

    async def _make_ready(self, process: _Process) -> None:
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
                    outcomes = await self._run(process, job, lambda stage: None)
                    _check(file.name, outcomes[0], expected)

    def _turn_away(self) -> None:
        """Answer whoever waits, where no worker starts."""
        while self._hopeless and not self._queue.empty():
            self.metrics.waiting.dec()
            _settle(self._queue.get_nowait(), self.not_ready())

    async def _serve(self, process: _Process) -> None:
        while True:
            pending = await self._take(process)
            self.metrics.waiting.dec()
            if not pending.left.is_set():
                await self._answer(process, pending)

    async def _take(self, process: _Process) -> _Pending:
        """The next job, unless the worker ends before there is one."""
        getting, ending = asyncio.ensure_future(self._queue.get()), asyncio.ensure_future(process.ended.wait())
        try:
            await asyncio.wait((getting, ending), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            raise WorkerLost("a worker ended while it had nothing to do")
        finally:
            ending.cancel()
            getting.cancel()

    async def _answer(self, process: _Process, pending: _Pending) -> None:
        """Run a job for whoever waits; raises `WorkerLost` where the worker must be replaced."""
        running = asyncio.create_task(self._run(process, pending.job, pending.tell))
        leaving = asyncio.create_task(pending.left.wait())
        try:
            await asyncio.wait(
                (running, leaving), timeout=self.settings.deadline_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if running.done():
                _settle(pending, running.result())
            elif leaving.done():
                process.send(Cancel())
                await asyncio.wait_for(running, _CANCEL_SECONDS)
            else:
                seconds = self.settings.deadline_seconds
                _settle(
                    pending,
                    Problem(
                        "deadline-exceeded", 422, f"the job took over {seconds:g} s; ask for fewer formulas or draws"
                    ),
                )
                raise WorkerLost(f"a job took over {seconds:g} s")
        except (WorkerLost, TimeoutError) as error:
            _settle(
                pending,
                Problem(
                    "worker-lost",
                    503,
                    "the worker process ended during this job, perhaps for want of memory; it is being replaced",
                    {"Retry-After": str(self.settings.retry_after_seconds)},
                ),
            )
            raise WorkerLost(str(error)) from error
        finally:
            running.cancel()
            leaving.cancel()

    async def _run(self, process: _Process, job: Job, tell: Listener) -> list[Outcome]:
        process.send(job)
        outcomes: list[Outcome] = []
        while not isinstance(message := await process.next(), Done):
            if isinstance(message, Stage):
                tell(message)
            elif isinstance(message, Outcome):
                outcomes.append(message)
        return sorted(outcomes, key=lambda outcome: outcome.index)


def _settle(pending: _Pending, result: list[Outcome] | Problem) -> None:
    if pending.outcomes.done():
        return
    if isinstance(result, Problem):
        pending.outcomes.set_exception(result)
    else:
        pending.outcomes.set_result(result)


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
