"""What the README says is what the evidence says."""

from pathlib import Path

from probe_sandwich.evidence.figures.evidence import read_evidence
from probe_sandwich.evidence.report.tables import headline_table
from probe_sandwich.settings import SHIPPED_MODELS

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_readme_shows_the_figures_of_the_evidence() -> None:
    text = README.read_text()
    for line in headline_table(read_evidence(SHIPPED_MODELS / "conjunction")):
        assert line in text
