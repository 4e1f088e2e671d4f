"""Commands, run as a user runs them."""

import re
import subprocess
import sys

from probe_sandwich.cli import app
from typer.testing import CliRunner, Result


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One `probe-sandwich` command."""
    return subprocess.run(
        [sys.executable, "-m", "probe_sandwich.cli", *arguments], capture_output=True, text=True, check=False
    )


def invoked(*arguments: str) -> Result:
    """One command within this process, which is faster; on the CPU whatever there is."""
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def words(text: str) -> str:
    """A text without the line breaks, boxes and colours that a terminal wants."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|│", " ", text).split())
