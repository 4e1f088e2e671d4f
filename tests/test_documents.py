"""Every code block of the README and of docs/ is run as it stands.

The word after the fence says what a block is:

- `sh`, `python`: run, the blocks of a page one after the other in a folder of their own that has the repository's
  `models/` and `examples/`; Python blocks of a page share their names
- `json NAME`: validated as the model of that name
- `text`: shown to a reader, never typed

Where a page says port 8000, the service of these tests is meant. A further word, `hf` or `slow`, is the marker of tests
that need more than the README's test command. Blocks that install, or need an engine of containers, are listed here.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest
from probe_sandwich.answer import Diagnosis
from probe_sandwich.subjects.bundles import Description
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.tasks.alphabets import needed_symbols
from probe_sandwich.tasks.task import BUILT_IN, AnyTask
from pydantic import BaseModel, TypeAdapter

from tests.serving import free_port, served

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
MODELS: dict[str, type[BaseModel]] = {model.__name__: model for model in (Diagnosis, Description, SubjectConfig)}
MARKERS = ("hf", "slow")
SECONDS = 600
SERVE = "probe-sandwich serve --port 8000"
ELSEWHERE = MappingProxyType(
    {
        "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/probe-sandwich demo": ".ci/run",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest": ".ci/run",
        "pip install 'probe-sandwich[hf]'": ".ci/run",
        "docker build -t probe-sandwich .\ndocker run -p 8000:8000 probe-sandwich": ".ci/image",
        "docker compose up": ".ci/image",
        "docker compose --profile gpu up gpu": "needs a GPU",
        "kubectl apply -f deploy/kubernetes.yaml": "needs a cluster",
    }
)
"""Blocks that are not run here, each with what runs it."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def marker(self) -> str | None:
        """The marker of the tests that run it, None for those of the README's command."""
        return next((word for word in self.words[1:] if word in MARKERS), None)

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    fences = re.finditer(r"^```([^\n`]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [
        Block(page, text.count("\n", 0, fence.start()) + 1, tuple(fence[1].split()), fence[2].strip("\n"))
        for fence in fences
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def run_of_pages() -> Iterator[object]:
    """A page and a marker for every test."""
    for page in PAGES:
        for marker in (None, *MARKERS):
            if any(block.marker == marker and block.language in ("sh", "python") for block in blocks_of(page)):
                marks = [getattr(pytest.mark, marker)] if marker else []
                yield pytest.param(page, marker, id=f"{page.name}-{marker or 'all'}", marks=marks)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """That of a service which the pages' own command started."""
    chosen = free_port()
    with served(for_port(SERVE, chosen).split(), ROOT, environment(), chosen):
        yield chosen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like the repository to who reads it."""
    for name in ("models", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def environment() -> dict[str, str]:
    """That of a user whose environment is active."""
    scripts = str(Path(sys.executable).parent)
    return os.environ | {"PATH": os.pathsep.join((scripts, os.environ["PATH"])), "PROBE_SANDWICH_CACHE_BYTES": "0"}


def for_port(text: str, port: int) -> str:
    """A block that says port 8000, for another port."""
    return text.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("--port 8000", f"--port {port}")


def run_shell(block: Block, folder: Path, port: int) -> None:
    if "curl " in block.text and not shutil.which("curl"):
        pytest.skip(f"{block.place} needs curl")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", for_port(block.text, port)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block.place}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def run_python(block: Block, names: dict[str, object], port: int) -> None:
    exec(compile(for_port(block.text, port), block.place, "exec"), names)


@pytest.mark.parametrize(("page", "marker"), list(run_of_pages()))
def test_the_code_of_a_page_runs_as_it_stands(
    page: Path, marker: str | None, folder: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.marker != marker or block.text in ELSEWHERE or block.text == SERVE:
            continue
        if block.language == "sh":
            run_shell(block, folder, port)
        elif block.language == "python":
            run_python(block, names, port)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "json"], ids=lambda block: block.place
)
def test_an_example_in_json_is_what_it_says(block: Block) -> None:
    _, name = block.words
    MODELS[name].model_validate_json(block.text)


def test_every_block_says_what_it_is() -> None:
    for block in BLOCKS:
        assert block.language in ("sh", "python", "json", "text"), block.place


def test_blocks_that_are_not_run_here_stand_in_a_page_and_name_files_that_are_there() -> None:
    assert set(ELSEWHERE) <= {block.text for block in BLOCKS}
    for text, runner in ELSEWHERE.items():
        for path in (*re.findall(r"\S+\.yaml", text), *([] if runner.startswith("needs ") else [runner])):
            assert (ROOT / path).exists(), path


def test_the_page_of_tasks_has_each_of_them_with_its_alphabet() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", (ROOT / "docs/tasks.md").read_text(), re.MULTILINE)
    tasks = {name: TypeAdapter(AnyTask).validate_python({"name": name}) for name in BUILT_IN}
    expected = {name: "".join(needed_symbols(task)) for name, task in tasks.items()}
    assert {name: alphabet.replace("\\|", "|") for name, alphabet in rows} == expected


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
