"""Imports point downwards only."""

import ast
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[1] / "app" / "probe_sandwich"
LAYERS = (
    {"answer", "options", "tasks"},
    {"subjects"},
    {"length_test"},
    {"zoo"},
    {"sandwich"},
    {"verdict"},
    {"evidence", "diagnosis"},
    {"cost"},
    {"settings"},
    {"api", "client"},
    {"main", "cli"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
CORE = {name for names in LAYERS[:-3] for name in names}


def layer_of(path: Path) -> str:
    """The part of `app/probe_sandwich/` that a module belongs to."""
    return path.relative_to(APP).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Full names of the modules that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


MODULES = sorted(path for path in APP.rglob("*.py") if layer_of(path) != "__init__")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_a_module_imports_from_its_own_layer_or_below(path: Path) -> None:
    own = layer_of(path)
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] == "probe_sandwich" and len(parts) > 1:
            assert parts[1] == own or RANK[parts[1]] < RANK[own], name


@pytest.mark.parametrize("path", [p for p in MODULES if layer_of(p) in CORE], ids=lambda p: str(p.relative_to(APP)))
def test_the_core_knows_nothing_of_http_and_prints_nothing(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(path)} & {"fastapi", "starlette", "httpx", "typer", "rich"}
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
