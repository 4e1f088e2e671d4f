"""`probe-sandwich zoo`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

from tests.cli.commands import invoked, words


def test_a_card_of_a_zoo_where_nothing_converged_is_refused(tiny_zoo: Path) -> None:
    with patch("probe_sandwich.zoo.card.check_recipe"):
        done = invoked("zoo", "card", str(tiny_zoo))
    assert done.exit_code == 1
    assert "has converged" in words(done.output)


def test_ctrl_c_says_what_was_kept_and_leaves_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "probe_sandwich.cli", "zoo", "build", str(tmp_path / "zoo"), "--workers", "1"]
    building = subprocess.Popen(
        [*command, "--models", "5"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    children = Path(f"/proc/{building.pid}/task/{building.pid}/children")
    while not (workers := children.read_text().split()):
        assert building.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    building.send_signal(signal.SIGINT)
    _, said = building.communicate(timeout=30)
    assert building.returncode == 130, said
    assert "0 finished groups are kept" in words(said)
    assert "goes on from there" in words(said)
    assert "Traceback" not in said
    deadline = time.monotonic() + 10
    while left := [pid for pid in workers if os.path.exists(f"/proc/{pid}")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
