"""The scripts in examples/ say how they are called, and a page that is run by a test calls each of them."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import EXAMPLES

ROOT = Path(__file__).resolve().parents[1]
NOBODY = "http://127.0.0.1:9"
DOCS = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))


def test_every_example_is_run_by_a_page() -> None:
    for script in (ROOT / "examples").glob("*.py"):
        assert f"python examples/{script.name} " in DOCS, script.name


def test_an_example_without_its_arguments_says_how_it_is_called() -> None:
    for script in (ROOT / "examples").glob("*.py"):
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert f"{script.name}" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_example_says_in_a_line_that_no_service_is_there(tmp_path: Path) -> None:
    calls = (
        ("classify_one.py", str(EXAMPLES[0]), NOBODY),
        ("classify_folder.py", str(EXAMPLES[0].parent), str(tmp_path / "out.csv"), NOBODY),
    )
    for script, *arguments in calls:
        command = [sys.executable, str(ROOT / "examples" / script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert NOBODY in done.stderr
        assert "probe-sandwich serve" in done.stderr
        assert "Traceback" not in done.stderr
