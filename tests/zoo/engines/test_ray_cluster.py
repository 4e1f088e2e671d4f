"""The Ray engine on a real local cluster. Needs the extra `ray`: `pytest -m ray`."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from probe_sandwich.zoo.build import build
from probe_sandwich.zoo.engines.local import LocalPool
from probe_sandwich.zoo.recipe import manifest
from probe_sandwich.zoo.shards import finished_groups, read_index

from tests.conftest import TINY_DEFINITION, TINY_RECIPE

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]


def _training_workers() -> list[int]:
    """Processes of this machine that run a build task, as Ray titles them."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"ray::_build_on_one_thread" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_build_on_two_workers_of_which_one_is_killed_equals_the_local_build(tmp_path: Path) -> None:
    from probe_sandwich.cluster import Cluster  # noqa: PLC0415
    from probe_sandwich.zoo.engines.ray_cluster import RayCluster  # noqa: PLC0415 - only where Ray is installed

    groups = manifest(TINY_RECIPE.model_copy(update={"groups": 8, "steps": 120}))
    build(tmp_path / "local", groups, LocalPool(2), TINY_DEFINITION)
    killed: list[int] = []

    def kill_one_in_mid_build() -> None:
        while not (finished_groups(tmp_path / "ray") and (workers := _training_workers())):
            time.sleep(0.05)
        killed.append(workers[0])
        os.kill(workers[0], signal.SIGKILL)

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        killer = threading.Thread(target=kill_one_in_mid_build, daemon=True)
        killer.start()
        build(tmp_path / "ray", groups, RayCluster(Cluster()), TINY_DEFINITION)
        killer.join(timeout=1)
    finally:
        ray.shutdown()
    assert killed
    hashes = [[row.subject for row in read_index(tmp_path / engine)] for engine in ("ray", "local")]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 16
