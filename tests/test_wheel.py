"""What `pip install .` gives somebody who never cloned: a fresh environment, another folder, an `app` of their own."""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.serving import free_port, served

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 12_000_000


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel, and a folder elsewhere that has a decoy `app` package."""

    wheel: Path
    scripts: Path
    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [str(self.scripts / "probe-sandwich"), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, env=_environment(), capture_output=True, text=True, check=False
        )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    work = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(work), str(ROOT)], check=True)
    (wheel,) = work.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(work / "venv")], check=True)
    scripts = work / "venv" / "bin"
    subprocess.run([str(scripts / "pip"), "install", "-q", str(wheel)], check=True)
    decoy = work / "elsewhere" / "app"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise RuntimeError('the decoy was imported')\n")
    return Installed(wheel, scripts, decoy.parent)


def test_the_wheel_is_small_and_holds_the_served_models_and_no_zoo(installed: Installed) -> None:
    assert installed.wheel.stat().st_size <= MOST_BYTES
    names = zipfile.ZipFile(installed.wheel).namelist()
    (weights,) = [name for name in names if name.endswith("sandwich.safetensors")]
    assert weights == "probe_sandwich/models/universal/sandwich.safetensors"
    assert not [name for name in names if "zoo-" in name]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"probe_sandwich"}


def test_demo_of_an_installed_package(installed: Installed) -> None:
    done = installed.run("demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("POST /classify") == 2


def test_classify_and_serve_of_an_installed_package_agree(installed: Installed) -> None:
    (models,) = installed.scripts.parent.glob("lib/python*/site-packages/probe_sandwich/models")
    example = models / "examples" / "generalizer.safetensors"
    done = installed.run("classify", str(example), "--json")
    assert done.returncode == 0, done.stderr
    port = free_port()
    command = installed.command("serve", "--port", str(port))
    with served(command, installed.folder, _environment(), port) as url, example.open("rb") as checkpoint:
        answer = httpx.post(f"{url}/classify", files={"checkpoint": checkpoint}, timeout=60).json()
    assert json.loads(done.stdout)["verdict"] == answer["verdict"] == "generalizer"
