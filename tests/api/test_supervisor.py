"""What keeps the workers: it survives whatever happens, and tells when it does not; what a killer file costs."""

import asyncio
import errno
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from probe_sandwich.api import spool as spooling
from probe_sandwich.api import supervisor as supervising
from probe_sandwich.api.messages import Subject
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.service import Service
from probe_sandwich.api.supervisor import Supervisor
from probe_sandwich.api.worker_process import WorkerProcess
from probe_sandwich.main import create_app
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

from tests.api.fakes import KILLER, PATIENT, STUBBORN, FakeProcess, put_in_place
from tests.api.raw import slug
from tests.conftest import EXAMPLES, FAST, post, running


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Workers that are no processes; put in place by the test's own patch, so that it is undone in order."""
    put_in_place(monkeypatch)
    return Settings(device="cpu", model=tmp_path, cache_bytes=0, deadline_seconds=0.5)


@pytest.fixture
def faked(fake: Settings) -> Iterator[httpx.Client]:
    """A service with such workers."""
    with running(fake) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield http


def batch(http: httpx.Client, *contents: bytes) -> list[dict[str, Any]]:
    """What a batch says of each file."""
    files = [("checkpoints", (str(number), content)) for number, content in enumerate(contents)]
    answer = http.post("/classify/batch", data=FAST, files=files).raise_for_status()
    return [result["problem"] for result in answer.json()["results"]]


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
        def __init__(self, settings: Settings, device: str) -> None:  # noqa: ARG002
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


def test_a_process_that_cannot_start_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any) -> None:
        raise OSError(errno.EAGAIN, "no process")

    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", refuse)

    async def start() -> None:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            with pytest.raises(OSError, match="no process"):
                WorkerProcess(Settings(device="cpu"), "cpu")
        assert len(list(Path("/proc/self/fd").iterdir())) <= before

    asyncio.run(start())


def test_liveness_ends_with_the_keepers(fake: Settings) -> None:
    app = create_app(fake)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://x") as http,
        ):
            first = await http.get("/health/live")
            await app.state.service.supervisor.close()
            second = await http.get("/health/live")
            assert slug(second) == "not-alive"
            return [first.status_code, second.status_code]

    assert asyncio.run(ask()) == [200, 503]


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


def test_in_a_batch_only_the_killer_loses_its_result(faked: httpx.Client) -> None:
    results = batch(faked, b"one", KILLER, b"two", b"three")
    assert [problem["detail"] for problem in results if problem["type"] == "urn:x"] == ["one", "two", "three"]
    assert results[1]["type"].endswith("worker-lost")
    batch(faked, b"one", KILLER)
    again = batch(faked, b"one", KILLER)
    assert again[1]["type"].endswith("refused-file")
    assert FakeProcess.started == 1 + 2 + 2


def test_the_last_file_of_a_batch_is_no_exception(faked: httpx.Client) -> None:
    for _ in range(2):
        post(faked, KILLER)
    assert [problem["type"].rsplit(":", 1)[1] for problem in batch(faked, KILLER, KILLER)] == ["refused-file"] * 2
    results = batch(faked, KILLER, b"one")
    assert results[1]["detail"] == "one"


def test_a_killer_does_not_cost_a_batch_what_the_cache_has(fake: Settings, tmp_path: Path) -> None:
    settings = fake.model_copy(update={"cache_bytes": 1 << 20, "cache_dir": tmp_path / "cache"})
    files = [("checkpoints", (str(number), content)) for number, content in enumerate((b"\xff good", KILLER))]
    with running(settings) as url, httpx.Client(base_url=url, timeout=30) as http:
        assert post(http, b"\xff good").status_code == 200
        results = http.post("/classify/batch", data=FAST, files=files).raise_for_status().json()["results"]
    assert results[0]["diagnosis"] is not None
    assert results[1]["problem"]["type"].endswith("worker-lost")


def test_a_batch_of_killers_costs_few_workers(faked: httpx.Client) -> None:
    results = batch(faked, *(KILLER + str(number).encode() for number in range(20)))
    assert all(problem["type"].endswith("worker-lost") for problem in results)
    assert FakeProcess.started <= 6


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


def test_a_full_disk_is_a_503_that_says_so_while_it_lasts(faked: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert faked.get("/health/ready").status_code == 200
    with monkeypatch.context() as lasting:
        lasting.setattr(spooling.Spool, "folder", full)
        for response in (post(faked, b"fine"), faked.get("/health/ready")):
            assert (response.status_code, slug(response)) == (503, "no-space")
            assert "No space left on device" in response.json()["detail"]
            assert int(response.headers["retry-after"]) > 0
        assert faked.get("/health/live").status_code == 200
    assert faked.get("/health/ready").status_code == 200
    assert post(faked, b"fine").json()["detail"] == "fine"


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


def test_a_spool_folder_that_vanished_is_made_anew_where_it_can_be(fake: Settings, tmp_path: Path) -> None:
    service = Service(fake, Metrics())
    folder = service.spool.folder()
    shutil.rmtree(folder)
    assert service.spool.complaint() is None
    assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(folder)
    folder.write_text("in the way")
    complaint = service.spool.complaint()
    assert complaint is not None
    assert (complaint.status_code, complaint.slug) == (503, "no-space")
    folder.unlink()


def test_a_file_that_vanishes_before_it_is_read_is_no_500(fake: Settings, tmp_path: Path) -> None:
    service = Service(fake, Metrics())

    async def ask() -> None:
        await service.answer([Subject(checkpoint=tmp_path / "gone")], Options(), "x")

    with pytest.raises(Exception, match="cannot keep uploads") as raised:
        asyncio.run(ask())
    assert vars(raised.value)["slug"] == "no-space"
    service.spool.close()
