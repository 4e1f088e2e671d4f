"""What keeps the workers: it survives whatever happens, and tells when it does not; what a killer file costs."""

import asyncio
import errno
import time
from typing import Any

import httpx
import pytest
from probe_sandwich.api import supervisor as supervising
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.service import Service
from probe_sandwich.api.supervisor import Supervisor
from probe_sandwich.settings import Settings

from tests.api.fakes import KILLER, PATIENT, STUBBORN, FakeProcess
from tests.api.raw import slug
from tests.conftest import EXAMPLES, post


def test_the_keeper_survives_whatever_a_start_raises(monkeypatch: pytest.MonkeyPatch, fake: Settings) -> None:
    raised: list[BaseException] = [
        OSError(errno.EMFILE, "Too many open files"),
        RuntimeError("can't start new thread"),
        ValueError("nobody has foreseen this"),
        MemoryError(),
    ]

    class Failing(FakeProcess):
        def __init__(self, settings: Settings, device: str) -> None:
            if raised:
                raise raised.pop(0)
            super().__init__(settings, device)

    monkeypatch.setattr(supervising, "WorkerProcess", Failing)

    async def live() -> None:
        supervisor = Supervisor(fake, Metrics())
        await asyncio.wait_for(supervisor.start(), 5)
        assert supervisor.alive
        assert "Too many open files" in supervisor.reason
        while not supervisor.ready:
            await asyncio.sleep(0.01)
        await supervisor.close()
        assert not supervisor.alive

    asyncio.run(asyncio.wait_for(live(), 20))


def test_pauses_between_starts_that_fail_grow(monkeypatch: pytest.MonkeyPatch, fake: Settings) -> None:
    starts: list[float] = []

    class Failing:
        def __init__(self, settings: Settings, device: str) -> None:
            starts.append(time.monotonic())
            raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(supervising, "WorkerProcess", Failing)

    async def live() -> None:
        supervisor = Supervisor(fake, Metrics())
        await supervisor.start()
        await asyncio.sleep(1.0)
        await supervisor.close()

    asyncio.run(live())
    assert 3 <= len(starts) <= 8
    assert starts[-1] - starts[-2] > 4 * (starts[1] - starts[0])


def test_a_file_that_killed_two_workers_is_refused(faked: httpx.Client) -> None:
    answers = [post(faked, KILLER) for _ in range(4)]
    assert [(answer.status_code, slug(answer)) for answer in answers] == [
        (503, "worker-lost"),
        (503, "worker-lost"),
        (422, "refused-file"),
        (422, "refused-file"),
    ]
    assert int(answers[0].headers["retry-after"]) >= 1
    assert "ended a worker process 2 times" in answers[2].json()["detail"]
    assert post(faked, b"fine").json()["detail"] == "fine"
    assert FakeProcess.started == 3


def test_a_deadline_asks_the_worker_before_it_kills_it(faked: httpx.Client) -> None:
    for content, restarts in ((PATIENT, 0), (STUBBORN, 1)):
        answer = post(faked, content)
        assert (answer.status_code, slug(answer)) == (422, "deadline-exceeded")
        assert post(faked, b"fine").json()["detail"] == "fine"
        assert FakeProcess.started == 1 + restarts


def test_a_client_that_leaves_costs_no_worker(faked: httpx.Client) -> None:
    for _ in range(3):
        with pytest.raises(httpx.ReadTimeout):
            faked.post("/classify", files={"checkpoint": ("x", PATIENT)}, timeout=0.2)
    assert post(faked, b"fine").json()["detail"] == "fine"
    assert FakeProcess.started == 1


def test_a_failure_that_nobody_foresaw_ends_an_event_stream_with_a_problem(
    faked: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Any, diagnosis: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Service, "_record", failing)
    streamed = post(faked, EXAMPLES[0].read_bytes(), accept="text/event-stream")
    last = streamed.text.strip().split("\n\n")[-1]
    assert last.startswith("event: problem")
    assert "internal-error" in last
