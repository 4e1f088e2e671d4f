"""Tests mirror modules: what a module does is tested in a file of its name, in the same folder."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
APP = TESTS.parent / "app" / "probe_sandwich"
FEW_LINES = 15
ELSEWHERE = {
    "api/metrics.py": "declares counters, which tests/api/test_worker.py reads where they are served",
    "subjects/subject.py": "interfaces, which do nothing",
    "subjects/foreign/insides.py": "found by running modules, which tests/subjects/foreign/test_module.py has",
    "sandwich/training/losses.py": "what training minimizes: tests/sandwich/training/test_training.py",
    "sandwich/training/recorded.py": "what readouts are fitted on: tests/sandwich/training/test_readout_fit.py",
}
"""Modules without a file of their own, and why."""


def does_something(path: Path) -> bool:
    """Whether a module is more than a few lines, or more than types and constants."""
    text = path.read_text()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return len(text.splitlines()) > FEW_LINES and any(isinstance(node, functions) for node in ast.walk(ast.parse(text)))


def mirrored(module: str) -> Path:
    """The file of a module's tests."""
    return (TESTS / module).with_name(f"test_{Path(module).name}")


PATHS = [path for path in sorted(APP.rglob("*.py")) if path.name != "__init__.py" and does_something(path)]
MODULES = [str(path.relative_to(APP)) for path in PATHS]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_tests_of_its_name_or_a_reason_to_have_none(module: str) -> None:
    assert mirrored(module).exists() is (module not in ELSEWHERE)
