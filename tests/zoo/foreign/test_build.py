"""The foreign test set: planned, trained, stored, read."""

from pathlib import Path

from probe_sandwich.length_test import run_length_test
from probe_sandwich.subjects.config import Placing
from probe_sandwich.zoo.foreign.build import build
from probe_sandwich.zoo.foreign.config import ForeignPool
from probe_sandwich.zoo.foreign.store import (
    INDEX,
    read_rows,
    read_subject,
    weights_path,
)

from tests.zoo.foreign.plans import DEFINITION, plan


def test_what_is_stored_is_what_was_labelled(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    assert read_rows(tmp_path) == [row]
    subject = read_subject(tmp_path, row)
    (result,) = run_length_test(subject, DEFINITION)
    assert result.buckets == row.buckets
    assert subject.configs[0].placing is Placing.BY_POSITION


def test_what_is_finished_is_not_made_again(tmp_path: Path) -> None:
    build(tmp_path, [plan(0)], DEFINITION)
    before = weights_path(tmp_path, 0).stat().st_mtime_ns
    made: list[int] = []
    rows = build(tmp_path, [plan(0), plan(1)], DEFINITION, lambda row: made.append(row.number))
    assert made == [1]
    assert [row.number for row in rows] == [0, 1]
    assert weights_path(tmp_path, 0).stat().st_mtime_ns == before


def test_what_was_made_by_another_recipe_is_made_anew(tmp_path: Path) -> None:
    build(tmp_path, [plan(0), plan(1)], DEFINITION)
    other = plan(0, pool=ForeignPool.MEAN)
    rows = build(tmp_path, [other, plan(1)], DEFINITION)
    assert read_rows(tmp_path) == rows
    assert [row.config.pool for row in rows] == [ForeignPool.MEAN, ForeignPool.LAST]
    assert read_subject(tmp_path, rows[0])


def test_a_subject_killed_before_its_row_was_written_comes_out_the_same(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    (tmp_path / INDEX).unlink()
    (again,) = build(tmp_path, [plan()], DEFINITION)
    assert again.subject == row.subject
    assert again.buckets == row.buckets


def test_a_subject_that_did_not_converge_keeps_its_row_and_no_weights(tmp_path: Path) -> None:
    build(tmp_path, [plan()], DEFINITION)
    strict = DEFINITION.model_copy(update={"convergence_cut": 1.0})
    (row,) = build(tmp_path, [plan(pool=ForeignPool.MEAN)], strict)
    assert not row.converged
    assert read_rows(tmp_path) == [row]
    assert not weights_path(tmp_path, 0).exists()
