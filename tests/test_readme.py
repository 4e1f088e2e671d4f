"""What the README says is what the evidence says and what the demo prints."""

import re
import subprocess
import sys
from pathlib import Path

from probe_sandwich.evidence.universal.figures import FILE, UniversalEvidence
from probe_sandwich.evidence.universal.headline import headline_table

from tests.conftest import MODEL
from tests.test_documents import blocks_of

README = Path(__file__).resolve().parents[1] / "README.md"
MOST_BYTES = 8 * 1024


def test_the_readme_is_read_to_its_end() -> None:
    assert README.stat().st_size <= MOST_BYTES


def test_the_readme_shows_the_figures_of_the_evidence() -> None:
    text = README.read_text()
    for line in headline_table(UniversalEvidence.model_validate_json((MODEL / FILE).read_text())):
        assert line in text


def shape(output: str) -> list[str]:
    """The lines of an output without its numbers and widths."""
    lines = re.sub(r"\d[\d,]*(\.\d+)?", "0", output).strip().splitlines()
    return [re.sub(r"─+", "─", " ".join(line.split())) for line in lines]


def test_the_demo_prints_what_the_readme_shows() -> None:
    (shown,) = [block.text for block in blocks_of(README) if block.text.startswith("Starting the service")]
    done = subprocess.run(
        [sys.executable, "-m", "probe_sandwich.cli", "demo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert shape(done.stdout) == shape(shown)
    assert done.stdout.count("Agreement:      agree") == 2
    assert "Verdict:        generalizer" in done.stdout
    assert "Verdict:        not_generalizer" in done.stdout
