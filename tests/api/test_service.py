"""What a batch and its files answer for."""

import asyncio
from pathlib import Path

import httpx
import pytest
from probe_sandwich.api.messages import Subject
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.service import Service
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

from tests.api.conftest import batch
from tests.api.fakes import KILLER, FakeProcess
from tests.conftest import FAST, post, running


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


def test_a_file_that_vanishes_before_it_is_read_is_no_500(fake: Settings, tmp_path: Path) -> None:
    service = Service(fake, Metrics())

    async def ask() -> None:
        await service.answer([Subject(checkpoint=tmp_path / "gone")], Options(), "x")

    with pytest.raises(Exception, match="cannot keep uploads") as raised:
        asyncio.run(ask())
    assert vars(raised.value)["slug"] == "no-space"
    service.spool.close()
