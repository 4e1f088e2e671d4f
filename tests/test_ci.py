"""What .ci/run leaves out."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
MARKERS = {marker.partition(":")[0] for marker in OPTIONS["markers"]}


def test_the_readmes_command_leaves_out_every_marker_and_ci_has_a_step_for_each() -> None:
    assert set(re.findall(r"not (\w+)", OPTIONS["addopts"])) == MARKERS
    script = (ROOT / ".ci/run").read_text()
    steps = set(re.findall(r"if begin (\w+)", script)) | set(re.findall(r"for extra in ([\w ]+);", script)[0].split())
    assert steps >= MARKERS
