"""Rows by bytes and operations, and a stop that is looked at before every batch."""

import pytest
import torch
from probe_sandwich.answer import Definition
from probe_sandwich.length_test import run_length_test
from probe_sandwich.subjects import batching
from probe_sandwich.subjects.batching import BATCH_BYTES, MAX_ROWS, Cancelled, row_batches, rows_together

from tests.conftest import StackFactory

MANY_HEADS = {"d_model": 128, "heads": 64, "layers": 1, "train_max_length": 32}


def test_small_subjects_run_in_large_batches(tiny_stack: StackFactory) -> None:
    assert rows_together(tiny_stack({}), 13) == MAX_ROWS["cpu"]


def test_the_bytes_of_a_batch_are_bounded_whatever_the_heads_the_length_and_the_stack(tiny_stack: StackFactory) -> None:
    for stack in (tiny_stack(MANY_HEADS), tiny_stack(*[MANY_HEADS] * 5)):
        rows = rows_together(stack, 129)
        assert 1 <= rows < MAX_ROWS["cpu"]
        assert rows * len(stack) * stack.size.row_bytes(129) <= BATCH_BYTES["cpu"]


def test_one_row_runs_however_large_it_is(tiny_stack: StackFactory) -> None:
    assert rows_together(tiny_stack(MANY_HEADS), 100_000) == 1


def test_answers_do_not_depend_on_how_a_batch_is_cut(tiny_stack: StackFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, definition = tiny_stack({"scheme": "alibi"}), Definition(formulas_per_bucket=30)
    whole = run_length_test(stack, definition)
    monkeypatch.setitem(batching.MAX_ROWS, "cpu", 7)
    assert run_length_test(stack, definition) == whole


def test_every_row_comes_once(tiny_stack: StackFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batching.MAX_ROWS, "cpu", 7)
    rows = torch.arange(30)
    assert torch.equal(torch.cat([rows[part] for part in row_batches(tiny_stack({}), 30, 5)]), rows)


def test_a_stop_is_looked_at_before_every_batch(tiny_stack: StackFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batching.MAX_ROWS, "cpu", 7)
    asked = iter([False, False, True])
    parts = row_batches(tiny_stack({}), 30, 5, lambda: next(asked))
    assert [next(parts), next(parts)] == [slice(0, 7), slice(7, 14)]
    with pytest.raises(Cancelled):
        next(parts)


def test_the_length_test_stops_when_asked(tiny_stack: StackFactory) -> None:
    with pytest.raises(Cancelled):
        run_length_test(tiny_stack({}), Definition(formulas_per_bucket=30), cancelled=lambda: True)
