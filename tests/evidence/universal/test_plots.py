"""The pictures of the universal report."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from probe_sandwich.evidence.universal.evaluation import TASK, UNSEEN, Evaluation, JudgedKind
from probe_sandwich.evidence.universal.methods import SANDWICH, TREES
from probe_sandwich.evidence.universal.plots import (
    AREAS,
    CONFIDENCE,
    LONG_ACCURACY,
    areas,
    draw_all,
    long_accuracy,
    sure_verdicts,
)
from probe_sandwich.evidence.universal.table import Table


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The axes of every picture that is saved."""
    found: list[Axes] = []
    save = Figure.savefig

    def saving(figure: Figure, *arguments: Any, **options: Any) -> None:
        found.extend(figure.axes)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", saving)
    return found


def legend(axes: Axes) -> list[str]:
    """What the legend names."""
    return [text.get_text() for text in axes.get_legend().get_texts()]


def ink(path: Path) -> float:
    """Share of a picture that is not white."""
    return float((imread(path)[:, :, :3].min(axis=2) < 1).mean())


def test_areas_of_the_chief_methods_stand_over_their_kinds(
    tmp_path: Path, evaluation: Evaluation, drawn: list[Axes]
) -> None:
    areas(tmp_path / AREAS, evaluation.evidence)
    (axes,) = drawn
    ticks = [label.get_text().replace("\n", " ") for label in axes.get_xticklabels()]
    assert ticks == list(evaluation.evidence.kinds)
    assert legend(axes)[:2] == [SANDWICH, TREES]
    height, width, _ = imread(tmp_path / AREAS).shape
    assert width > 2 * height > 500
    assert ink(tmp_path / AREAS) > 0.01


def test_every_task_left_out_is_a_colour_of_its_own(
    tmp_path: Path, three_tasks: Table, evaluation: Evaluation, drawn: list[Axes]
) -> None:
    long_accuracy(tmp_path / LONG_ACCURACY, three_tasks, evaluation)
    (axes,) = drawn
    assert legend(axes) == ["cnf", "conjunction", "formula"]
    points = np.concatenate([np.asarray(dots.get_offsets()) for dots in axes.collections])
    assert sorted(points[:, 1]) == sorted(evaluation.judged[TASK].scores[SANDWICH])
    assert ink(tmp_path / LONG_ACCURACY) > 0.01


def test_the_surer_a_verdict_has_to_be_the_fewer_are_given(
    tmp_path: Path, three_tasks: Table, evaluation: Evaluation, drawn: list[Axes]
) -> None:
    """Of 24 subjects of one task, whose labels alternate."""
    probability = np.tile([0.95, 0.05, 0.85, 0.15, 0.65, 0.35, 0.45, 0.55], 3)
    some = JudgedKind(np.arange(24), np.ones(24, np.bool_), {SANDWICH: probability})
    sure_verdicts(tmp_path / CONFIDENCE, three_tasks, Evaluation(evaluation.evidence, {UNSEEN: some, TASK: some}))
    (axes,) = drawn
    assert legend(axes) == [f"{UNSEEN}: right", "given", f"{TASK}: right", "given"]
    right, given = (np.asarray(line.get_ydata()) for line in axes.lines[:2])
    assert (given[0], right[0]) == (1, 0.75)
    assert (given[4], right[4]) == (0.75, 1)  # at least 0.1 from a half
    assert ink(tmp_path / CONFIDENCE) > 0.01


def test_where_no_task_was_left_out_only_areas_are_drawn(
    tmp_path: Path, three_tasks: Table, evaluation: Evaluation
) -> None:
    unseen = Evaluation(evaluation.evidence, {UNSEEN: evaluation.judged[UNSEEN]})
    draw_all(tmp_path, three_tasks, unseen)
    assert {path.name for path in tmp_path.iterdir()} == {AREAS}
    draw_all(tmp_path, three_tasks, evaluation)
    assert {path.name for path in tmp_path.iterdir()} == {AREAS, LONG_ACCURACY, CONFIDENCE}
