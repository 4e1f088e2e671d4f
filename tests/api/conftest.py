"""Services whose workers are no processes, for what needs no model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from probe_sandwich.settings import Settings

from tests.api.fakes import faking, put_in_place
from tests.conftest import FAST, running

KEY, LIMIT = "s3cret", 2_000_000
SMALL: dict[str, Any] = {
    "device": "cpu",
    "cache_bytes": 0,
    "api_key": KEY,
    "max_upload_bytes": LIMIT,
    "queue_size": 8,
    "max_uploads": 24,
    "client_share": 0.5,
    "upload_seconds": 2.0,
    "upload_bytes_per_second": 10_000,
    "max_connections": 100,
    "cors_origins": "https://one.example, https://two.example",
}
WITH_KEY = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with small limits, which asks for the key."""
    models = {"model": tmp_path_factory.mktemp("model")}
    with faking(), running(Settings.model_validate(SMALL | models)) as address:
        yield address


@pytest.fixture
def guarded(url: str) -> Iterator[httpx.Client]:
    """A client with the key."""
    with httpx.Client(base_url=url, timeout=60, headers=WITH_KEY) as client:
        yield client


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
