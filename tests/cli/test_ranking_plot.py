"""The plot of a run."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from probe_sandwich.answer import Doubt
from probe_sandwich.batch.question import Answered
from probe_sandwich.cli.ranking_plot import plot_steps

from tests.diagnoses import diagnosis_of

ANSWERS = [
    Answered(file="300", diagnosis=diagnosis_of(0.7, 0.9)),
    Answered(file="100", diagnosis=diagnosis_of(0.1, 0.3)),
    Answered(file="200", diagnosis=diagnosis_of(0.4, 0.6, doubt=Doubt.MEMBERS_DISAGREE)),
    Answered.failed(Path("400"), ValueError("unreadable")),
]
STEPS = {answered.file: int(answered.file) for answered in ANSWERS}


def test_every_snapshot_is_drawn_at_its_step_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    save = Figure.savefig

    def kept(figure: Figure, *arguments: object, **named: object) -> None:
        drawn.append(figure)
        save(figure, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", kept)
    plot_steps(tmp_path / "new" / "run.png", ANSWERS, STEPS)
    (axes,) = drawn[0].axes
    points = {line.get_label(): [list(map(float, data)) for data in line.get_data()] for line in axes.lines}
    assert points["with a verdict"] == [[100, 300], pytest.approx([0.2, 0.8])]
    assert points["withheld"] == [[200], pytest.approx([0.5])]
    assert points["no number"] == [[400], [0]]
    assert (tmp_path / "new" / "run.png").read_bytes().startswith(b"\x89PNG")
