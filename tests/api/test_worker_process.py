"""A worker process as the event loop sees it."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from probe_sandwich.api.worker_process import WorkerProcess
from probe_sandwich.settings import Settings


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
