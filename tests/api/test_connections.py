"""A bound on open connections, and on silence."""

import os
import time
from contextlib import suppress
from pathlib import Path

import httpx
from probe_sandwich.settings import Settings

from tests.api.fakes import faking
from tests.api.raw import connected
from tests.conftest import running


def test_idle_connections_make_room_for_new_ones(guarded: httpx.Client, url: str) -> None:
    files_before = len(os.listdir("/proc/self/fd"))
    with connected(url, 1) as (first,):
        with connected(url, 250):
            time.sleep(0.5)
            assert guarded.get("/health/live").status_code == 200
            # Both ends of a connection are in this process.
            assert len(os.listdir("/proc/self/fd")) - files_before < 250 + 1 + 110
        assert first.recv(10) == b""


def test_a_connection_that_never_asks_is_closed(tmp_path: Path) -> None:
    settings = Settings(device="cpu", model=tmp_path, cache_bytes=0, header_seconds=0.3)
    with faking(), running(settings) as address, connected(address, 2) as (silent, half):
        half.sendall(b"GET /health HTTP/1.1\r\nHost:")
        for raw in (silent, half):
            with suppress(ConnectionResetError):
                assert raw.recv(10) == b""
