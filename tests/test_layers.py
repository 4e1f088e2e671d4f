"""Imports point downwards only, and what serves imports nothing of what trains and judges."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[1] / "app" / "probe_sandwich"
LAYERS = (
    {"files", "processes", "cluster"},
    {"answer", "options", "tasks"},
    {"subjects"},
    {"length_test"},
    {"zoo", "sandwich"},
    {"sandwich.training"},
    {"verdict", "ranking"},
    {"evidence", "diagnosis"},
    {"cost", "batch"},
    {"settings"},
    {"api", "client", "classification"},
    {"main", "cli", "callbacks"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
CORE = {name for names in LAYERS[:9] for name in names}
ROOMS = ("sandwich.training",)
"""Parts of a package that are a layer of their own."""
EVIDENCE = ("figures", "universal")
"""Its rooms, from the bottom up."""
SERVING = {
    "processes",
    "cluster",
    "answer",
    "options",
    "subjects",
    "length_test",
    "sandwich",
    "verdict",
    "ranking",
    "diagnosis",
    "cost",
    "batch",
    "settings",
    "api",
    "client",
    "main",
    "classification",
    "callbacks",
}
SERVING_COMMANDS = {"cli.service", "cli.classify", "cli.rank", "cli.checkpoints"}
LEARNING = ("zoo", "sandwich.training", "evidence")


def module_of(path: Path) -> str:
    """A module's name below `probe_sandwich`."""
    return ".".join(path.relative_to(APP).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> str:
    """The layer that a module belongs to."""
    room = next((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), None)
    return room or module.partition(".")[0]


def imports_of(path: Path) -> set[str]:
    """Full names of the modules that a module imports, and of what it imports from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_imports_of(path: Path) -> set[str]:
    """What a module imports of this package, by names below `probe_sandwich`."""
    return {name.removeprefix("probe_sandwich.") for name in imports_of(path) if name.startswith("probe_sandwich.")}


def named(path: Path) -> str:
    return str(path.relative_to(APP))


MODULES = sorted(path for path in APP.rglob("*.py") if path != APP / "__init__.py")
SERVING_MODULES = [
    path for path in MODULES if layer_of(module_of(path)) in SERVING or module_of(path) in SERVING_COMMANDS
]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_imports_from_its_own_layer_or_below(path: Path) -> None:
    own = layer_of(module_of(path))
    for name in own_imports_of(path):
        assert layer_of(name) == own or RANK[layer_of(name)] < RANK[own], name


@pytest.mark.parametrize("path", SERVING_MODULES, ids=named)
def test_what_serves_imports_nothing_of_what_trains_and_judges(path: Path) -> None:
    assert not {name for name in own_imports_of(path) if layer_of(name) in LEARNING}


def test_a_worker_runs_without_what_trains_and_judges() -> None:
    """Whatever its modules import in turn."""
    program = "import sys, probe_sandwich.api.worker; print(*sorted(sys.modules), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {
        name.removeprefix("probe_sandwich.") for name in done.stdout.split() if name.startswith("probe_sandwich.")
    }
    assert "diagnosis" in loaded
    assert not {name for name in loaded if layer_of(name) in LEARNING}


@pytest.mark.parametrize("path", [p for p in MODULES if module_of(p).startswith("evidence.")], ids=named)
def test_figures_know_nothing_of_what_is_measured(path: Path) -> None:
    room = module_of(path).split(".")[1]
    if room in EVIDENCE:
        above = {f"evidence.{other}" for other in EVIDENCE[EVIDENCE.index(room) + 1 :]}
        imported = {".".join(name.split(".")[:2]) for name in own_imports_of(path)}
        assert not imported & (above | {"evidence.parts", "evidence.evaluation", "evidence.build"})


@pytest.mark.parametrize("path", [p for p in MODULES if layer_of(module_of(p)) in CORE], ids=named)
def test_the_core_knows_nothing_of_http_and_prints_nothing(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(path)} & {"fastapi", "starlette", "httpx", "typer", "rich"}
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
