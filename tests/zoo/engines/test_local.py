"""Processes of this machine: killed and replaced."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import popen_spawn_posix
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import pytest
from probe_sandwich.zoo.engines.local import worker_pool
from probe_sandwich.zoo.shards import read_index

BUILDER = """
import sys
from collections.abc import Iterator
from multiprocessing import popen_spawn_posix
from pathlib import Path
from probe_sandwich.zoo.build import build
from probe_sandwich.zoo.engines.local import LocalPool
from probe_sandwich.zoo.recipe import manifest
from tests.conftest import TINY_DEFINITION, TINY_RECIPE
groups = manifest(TINY_RECIPE.model_copy(update={"groups": 8, "steps": 60}))
build(Path(sys.argv[1]), groups, LocalPool(2), TINY_DEFINITION)
"""


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-c", BUILDER, str(folder)]


def _processes_of(folder: Path) -> list[int]:
    """Living processes whose parent was the builder of this folder, by the environment they inherit."""
    mark = f"ZOO_TEST={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_build_killed_outright_goes_on_where_it_was(tmp_path: Path) -> None:
    killed, quiet = tmp_path / "killed", tmp_path / "quiet"
    environment = os.environ | {"ZOO_TEST": str(killed)}
    process = subprocess.Popen(_command(killed), env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not list(killed.glob("shards/group-*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while _processes_of(killed) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _processes_of(killed), "workers outlive their builder"
    survivors = {path.name: path.stat().st_mtime_ns for path in killed.glob("shards/group-*")}
    for folder in (killed, quiet):
        subprocess.run(_command(folder), check=True, capture_output=True)
    assert {name: (killed / "shards" / name).stat().st_mtime_ns for name in survivors} == survivors
    hashes = [[row.subject for row in read_index(folder)] for folder in (killed, quiet)]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 16


def test_a_worker_that_dies_is_replaced_and_its_groups_done_again(tmp_path: Path) -> None:
    killed, quiet = tmp_path / "killed", tmp_path / "quiet"
    environment = os.environ | {"ZOO_TEST": str(killed)}
    process = subprocess.Popen(_command(killed), env=environment)
    while not list(killed.glob("shards/group-*")):
        assert process.poll() is None
        time.sleep(0.02)
    workers = [pid for pid in _processes_of(killed) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    assert process.wait(timeout=120) == 0
    subprocess.run(_command(quiet), check=True, capture_output=True)
    hashes = [[row.subject for row in read_index(folder)] for folder in (killed, quiet)]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 16


def test_ctrl_c_before_the_pool_has_begun_is_told_as_ctrl_c() -> None:
    def interrupted(thread: Thread) -> None:
        raise KeyboardInterrupt

    interrupted_start = patch("concurrent.futures.process._ExecutorManagerThread.start", interrupted)
    with interrupted_start, pytest.raises(KeyboardInterrupt), worker_pool(1) as pool:
        pool.submit(os.getpid)


@pytest.fixture
def heeding_ctrl_c() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, these tests with it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding_ctrl_c")
def test_ctrl_c_amid_the_start_of_a_process_takes_effect_when_it_has_started() -> None:
    launch, launched = popen_spawn_posix.Popen._launch, []

    def interrupted(popen: popen_spawn_posix.Popen, process: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        launch(popen, process)
        launched.append(popen.pid)

    started = patch.object(popen_spawn_posix.Popen, "_launch", interrupted)
    with started, pytest.raises(KeyboardInterrupt), worker_pool(1) as pool:
        pool.submit(abs, -1)
    assert len(launched) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
