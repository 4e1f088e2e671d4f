"""`probe-sandwich zoo`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from probe_sandwich.tasks.logic.tasks import TaskName
from probe_sandwich.zoo.recipe import RECIPES

from tests.cli.commands import invoked, words


def test_a_card_of_a_zoo_where_nothing_converged_is_refused(tiny_zoo: Path) -> None:
    with patch("probe_sandwich.zoo.card.check_recipe"):
        done = invoked("zoo", "card", str(tiny_zoo))
    assert done.exit_code == 1
    assert "has converged" in words(done.output)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--part", "2/2"), "it is '2/2'; give it as i/n with i from 0 to n - 1"),
        (("--recipe", "broad", "--steps", "7"), "it goes with --recipe one-task"),
    ],
)
def test_a_wrong_option_of_build_ends_as_any_wrong_option(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    done = invoked("zoo", "build", str(tmp_path / "zoo"), *options)
    assert done.exit_code == 2
    assert says in words(done.output)
    assert not (tmp_path / "zoo").exists()


def test_the_help_of_build_tells_the_steps_of_each_task() -> None:
    steps = {task: recipe.steps for task, recipe in RECIPES.items()}
    assert steps == {TaskName.CONJUNCTION: 1300, TaskName.CNF: 3000, TaskName.FORMULA: 1300}
    assert "by default 1300, of cnf 3000" in words(invoked("zoo", "build", "--help").output)


@pytest.fixture
def building(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A build with a worker of its own, which nothing of outlives the test."""
    command = [sys.executable, "-m", "probe_sandwich.cli", "zoo", "build", str(tmp_path / "zoo"), "--workers", "1"]
    process = subprocess.Popen(
        # Whoever runs the tests in the background has Ctrl-C ignored, which children inherit.
        ["env", "--default-signal=INT", *command, "--models", "5"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_ctrl_c_says_what_was_kept_and_leaves_no_process(building: subprocess.Popen[str]) -> None:
    children = Path(f"/proc/{building.pid}/task/{building.pid}/children")
    while len(workers := children.read_text().split()) < 2:  # the first one watches the others
        assert building.poll() is None
        time.sleep(0.05)
    building.send_signal(signal.SIGINT)
    _, said = building.communicate(timeout=120)
    assert building.returncode == 130, said
    assert "0 finished groups are kept" in words(said)
    assert "goes on from there" in words(said)
    assert "Traceback" not in said
    deadline = time.monotonic() + 60
    while left := [pid for pid in workers if os.path.exists(f"/proc/{pid}")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
