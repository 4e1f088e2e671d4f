"""Keeps one worker process a device alive.

A worker is ready after it has classified a built-in generalizer and a built-in non-generalizer rightly, and again
after each restart.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from probe_sandwich.answer import Diagnosis, Verdict
from probe_sandwich.api.messages import Failed, LoadedMetaClassifier, Outcome, Started, Subject
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.pending import HashedUpload, Listener, Pending
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.quarantine import Quarantine
from probe_sandwich.api.queue import FairQueue
from probe_sandwich.api.serving import Serving
from probe_sandwich.api.worker_process import WorkerLost, WorkerProcess
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

log = logging.getLogger("probe_sandwich.supervisor")
_START_SECONDS = 120.0
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
_BUILT_IN = {"generalizer": Verdict.GENERALIZER, "not-generalizer": Verdict.NOT_GENERALIZER}
# A fifth of the usual formulas: enough to tell these two apart, and a restart costs a second less.
_SELF_CHECK = Options(formulas_per_length=200, noise_draws=1)


class StartFailed(Exception):
    """A worker could not load a meta-classifier, or got a built-in example wrong."""


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
        self.meta_classifier: LoadedMetaClassifier | None = None
        self.slots = [_Slot(device) for device in settings.worker_devices()]
        self.quarantine = Quarantine(settings.quarantine_seconds)
        self._queue: FairQueue[Pending] = FairQueue()
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
        if self.ready and self.meta_classifier is None:
            return f"{self.settings.model} holds no meta-classifier, so every answer abstains; set PROBE_SANDWICH_MODEL"
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

    async def run(
        self, uploads: Sequence[HashedUpload], options: Options, client: str, tell: Listener
    ) -> list[Outcome]:
        """Outcomes of a job, one a subject.

        Raises `Unfinished` where the worker was lost or the deadline passed, `Problem` where no worker starts.
        Cancelling this call cancels the job.
        """
        if self._hopeless:
            raise self.not_ready()
        pending = Pending(uploads, options, client, tell)
        self._queue.put(client, pending)
        self.metrics.waiting.inc()
        try:
            return await pending.result
        finally:
            pending.left.set()

    def displace(self, client: str) -> bool:
        """Turn away the latest job of a client that waits, in favour of one who has fewer; whether there was one."""
        pending = self._queue.drop_last(client)
        if pending is None:
            return False
        self.metrics.waiting.dec()
        pending.settle(
            Problem(
                "client-limit",
                429,
                "the queue is full, and your address has more requests in it than others; wait for an answer before "
                "you send more",
                {"Retry-After": str(self.settings.retry_after_seconds)},
            )
        )
        return True

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
            async with asyncio.timeout(_START_SECONDS):
                self.meta_classifier = await _loaded(process)
            serving = Serving(process, self._queue, self.quarantine, self.settings, self.metrics)
            try:
                async with asyncio.timeout(_START_SECONDS):
                    await self._check(serving)
                slot.ready, slot.served, slot.failed = True, True, False
                first.set()
                await serving.serve()
            finally:
                serving.close()
        finally:
            slot.ready = False
            await process.kill()

    async def _check(self, serving: Serving) -> None:
        """Let a worker classify the built-in examples. Raises `StartFailed`."""
        for name, expected in _BUILT_IN.items():
            file = self.settings.examples / f"{name}.safetensors"
            if self.meta_classifier and file.exists():
                upload = HashedUpload(Subject(checkpoint=file), sha256=file.name)
                pending = Pending([upload], _SELF_CHECK, "", lambda stage: None, again=True)
                await serving.answer(pending)
                (outcome,) = await pending.result
                _hold_against(file.name, outcome, expected)

    def _turn_away(self) -> None:
        """Answer whoever waits, where no worker starts."""
        while self._hopeless and not self._queue.empty():
            self.metrics.waiting.dec()
            self._queue.pop().settle(self.not_ready())


async def _loaded(process: WorkerProcess) -> LoadedMetaClassifier | None:
    """What a worker has loaded when it has started. Raises `StartFailed`, `WorkerLost`."""
    started = await process.next()
    if isinstance(started, Failed):
        raise StartFailed(started.detail)
    if not isinstance(started, Started):
        raise WorkerLost
    return started.meta_classifier


def _hold_against(name: str, outcome: Outcome, expected: Verdict) -> None:
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
