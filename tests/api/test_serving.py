"""One worker and its jobs: who waits for whom, and who answers for its end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from probe_sandwich.api.messages import Outcome, Subject
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.pending import HashedUpload
from probe_sandwich.api.supervisor import Supervisor
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

from tests.api.fakes import KILLER, PATIENT, STUBBORN, FakeProcess, put_in_place

Ask = Callable[..., Awaitable[list[Outcome]]]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    put_in_place(monkeypatch)
    return Settings(device="cpu", model=tmp_path, cache_bytes=0, deadline_seconds=2.0)


def live(settings: Settings, tmp_path: Path, story: Callable[[Supervisor, Ask], Awaitable[None]]) -> None:
    """Tell a story of a supervisor, and of files that clients send."""

    async def told() -> None:
        supervisor = Supervisor(settings, Metrics())
        await supervisor.start()

        def ask(content: bytes, client: str) -> Awaitable[list[Outcome]]:
            file = tmp_path / f"{client}-{content.decode()}"
            file.write_bytes(content)
            upload = HashedUpload(Subject(checkpoint=file), content.decode())
            return asyncio.ensure_future(supervisor.run([upload], Options(), client, lambda stage: None))

        await story(supervisor, ask)
        await supervisor.close()

    asyncio.run(asyncio.wait_for(told(), 20))


async def running() -> None:
    """Until the job that was sent first has begun."""
    await asyncio.sleep(0.1)


def detail(outcomes: list[Outcome]) -> str:
    """What came of the only file."""
    (outcome,) = outcomes
    assert outcome.problem is not None
    return outcome.problem.detail


def test_brief_jobs_of_others_do_not_wait_for_a_long_one(settings: Settings, tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, ask: Ask) -> None:
        long = ask(PATIENT, "greedy")
        await running()
        for number in range(3):
            assert detail(await asyncio.wait_for(ask(b"%d" % number, "modest"), 1)) == str(number)
        assert not long.done()  # type: ignore[attr-defined]
        with pytest.raises(Exception, match="the job took over 2 s"):
            await long
        assert FakeProcess.started == 1

    live(settings, tmp_path, story)


def test_a_long_job_is_not_interrupted_for_its_own_client(settings: Settings, tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, ask: Ask) -> None:
        long = ask(PATIENT, "greedy")
        await running()
        brief = ask(b"brief", "greedy")
        await asyncio.wait((long, brief), return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
        assert not brief.done()  # type: ignore[attr-defined]
        with pytest.raises(Exception, match="took over"):
            await long
        assert detail(await brief) == "brief"

    live(settings, tmp_path, story)


def test_a_long_job_does_not_interrupt_another(settings: Settings, tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, ask: Ask) -> None:
        first = ask(PATIENT, "greedy")
        await running()
        second = ask(PATIENT + b" too", "greedy too")
        await asyncio.sleep(0.6)
        assert detail(await asyncio.wait_for(ask(b"brief", "modest"), 1)) == "brief"
        for long in (first, second):
            with pytest.raises(Exception, match="took over"):
                await long
        assert FakeProcess.started == 1

    live(settings, tmp_path, story)


def test_a_brief_killer_answers_for_itself_and_the_long_job_starts_anew(settings: Settings, tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, ask: Ask) -> None:
        long = ask(PATIENT, "modest")
        await running()
        with pytest.raises(Exception, match="worker process ended"):
            await ask(KILLER, "hostile")
        with pytest.raises(Exception, match="took over"):
            await long
        assert FakeProcess.started == 2
        supervisor.quarantine.blame(KILLER.decode())
        supervisor.quarantine.blame(PATIENT.decode())
        assert supervisor.quarantine.refusal(KILLER.decode()) is not None
        assert supervisor.quarantine.refusal(PATIENT.decode()) is None

    live(settings, tmp_path, story)


def test_a_job_that_does_not_hear_its_end_is_not_held_against_its_file(settings: Settings, tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, ask: Ask) -> None:
        for _ in range(3):
            with pytest.raises(Exception, match="took over"):
                await ask(STUBBORN, "slow")
        assert FakeProcess.started >= 3
        assert supervisor.quarantine.refusal(STUBBORN.decode()) is None

    live(settings.model_copy(update={"deadline_seconds": 0.3}), tmp_path, story)
