"""The report."""

from pathlib import Path


def test_the_report_shows_every_plot_that_it_names(trained: Path) -> None:
    text = (trained / "report.md").read_text()
    plots = [part.split(")")[0] for part in text.split("](")[1:]]
    assert len(plots) == 8
    assert all((trained / plot).stat().st_size > 5000 for plot in plots)
