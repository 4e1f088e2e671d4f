"""`.ci/run`: what it runs, what it skips, and when it fails. Here with stand-ins for Python and the image."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
MARKERS = {marker.partition(":")[0] for marker in OPTIONS["markers"]}
# Makes an environment whose commands say how they were called; pip has no package of Ray.
PYTHON = """#!/bin/bash
mkdir -p .venv/bin
for name in pip pytest ruff mypy probe-sandwich; do
    printf '#!/bin/bash\\necho "%s $*"\\n[[ "$FAILS" != "%s $*" && "$*" != *,ray* ]]\\n' $name $name > .venv/bin/$name
done
chmod +x .venv/bin/*
"""
IMAGE = "#!/bin/bash\necho 'buildah cannot be installed'\nexit 3\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository of nothing but README and CI."""
    for name, text in {
        "README.md": (ROOT / "README.md").read_text(),
        ".ci/run": (ROOT / ".ci/run").read_text(),
        ".ci/image": IMAGE,
        "bin/python3": PYTHON,
        "bin/chromium": "#!/bin/bash\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    subprocess.run("git init -q && git add -A", shell=True, cwd=tmp_path, check=True)
    return tmp_path


def ci(clone: Path, fails: str = "") -> subprocess.CompletedProcess[str]:
    """A run of it, in which one command fails."""
    path = f"{clone / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [".ci/run"],
        cwd=clone,
        env=os.environ | {"PATH": path, "FAILS": fails},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_readmes_command_leaves_out_every_marker_and_ci_runs_each(clone: Path) -> None:
    assert set(re.findall(r"not (\w+)", OPTIONS["addopts"])) == MARKERS
    run = re.findall(r"^pytest -m (\w+)", ci(clone).stdout, re.MULTILINE)
    assert {*run, "ray"} == MARKERS


def test_ci_runs_the_readmes_two_commands_first(clone: Path) -> None:
    commands = [line for line in ci(clone).stdout.splitlines() if line and not line.startswith("=")]
    assert commands[:4] == ["pip install -e .", "probe-sandwich demo", "pip install -e .[test]", "pytest "]


def test_ci_passes_without_what_cannot_be_installed_and_says_so_last(clone: Path) -> None:
    done = ci(clone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "!!!!! SKIPPED: tests marked ray: the extra cannot be installed",
        "!!!!! SKIPPED: the image: buildah cannot be installed",
    ]


@pytest.mark.parametrize("command", ["probe-sandwich demo", "pytest ", "mypy ", "pytest -m wheel", "pytest -m browser"])
def test_ci_fails_where_a_step_does(clone: Path, command: str) -> None:
    assert ci(clone, fails=command).returncode != 0
