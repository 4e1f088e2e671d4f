"""Worker processes end with their parents."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PARENT = """
import os
import time
from multiprocessing import get_context
from probe_sandwich.processes import follow_parent

def work():
    follow_parent()
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    child = get_context("spawn").Process(target=work)
    child.start()
    child.join()
"""


def running(pid: int) -> bool:
    """Whether a process is there, and is no corpse that nobody has buried yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    with subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        give_up = time.monotonic() + 30
        while running(worker) and time.monotonic() < give_up:
            time.sleep(0.1)
        alive = running(worker)
        if alive:
            os.kill(worker, signal.SIGKILL)
        assert not alive
