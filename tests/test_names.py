"""One name a concept: no two classes of the package, or aliases of types, have the same."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).resolve().parents[1] / "app" / "probe_sandwich"


def types_of(path: Path) -> Iterator[str]:
    """The classes that a module defines, and its aliases of types: capitalized names that hold no instance."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and not _is_type_variable(statement.value):
            yield from (
                target.id
                for target in statement.targets
                if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()
            )


def _is_type_variable(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "TypeVar"


def test_no_two_classes_have_one_name() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(APP.rglob("*.py")):
        for name in types_of(path):
            homes[name].append(str(path.relative_to(APP)))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
