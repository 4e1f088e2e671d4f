"""Who reads answers, or passes them on, loads nothing that computes them: shown in fresh interpreters."""

import subprocess
import sys

import probe_sandwich
import pytest

HEAVY = ("torch", "sklearn", "scipy", "matplotlib", "pysat", "numpy")
SERVICE_THAT_IS_READY = """
import asyncio
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings

async def start() -> None:
    app = create_app(Settings(device="cpu"))
    async with app.router.lifespan_context(app):
        assert app.state.service.supervisor.ready

asyncio.run(start())
"""


@pytest.mark.parametrize(
    "code",
    [
        "import probe_sandwich",
        "import probe_sandwich.client",
        "import probe_sandwich.main",
        "import probe_sandwich.cli, probe_sandwich.settings",
        SERVICE_THAT_IS_READY,
    ],
    ids=["package", "client", "service", "command line", "service with a worker that is ready"],
)
def test_it_loads_no_library_for_tensors_figures_or_solving(code: str) -> None:
    assert loaded_by(code) & set(HEAVY) == set()


def test_help_and_serve_load_neither_the_service_nor_a_client() -> None:
    assert loaded_by("import probe_sandwich.cli, probe_sandwich.settings") & {"fastapi", "httpx"} == set()


def loaded_by(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after some code."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_what_the_package_names_is_there_when_it_is_asked_for() -> None:
    for name in probe_sandwich.__all__:
        assert getattr(probe_sandwich, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'clasify'"):
        probe_sandwich.clasify  # noqa: B018
