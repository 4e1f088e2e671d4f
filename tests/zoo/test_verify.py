"""Verifying a zoo."""

from pathlib import Path

import pytest
import torch
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import judge
from probe_sandwich.zoo.label import label_of
from probe_sandwich.zoo.shards import (
    IndexRow,
    merge,
    read_index,
    read_weights,
    shard_bytes,
    shard_path,
)
from probe_sandwich.zoo.verify import verify


def test_verify_tests_again_and_finds_a_wrong_count_but_for_rounding_on_another_device(
    tiny_zoo: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    assert verify(tiny_zoo, 20, 0, torch.device("cpu"), lambda *counts: told.append(counts)).wrong == []
    assert (told[0], told[-1]) == ((0, 10), (10, 10))
    rows, stacked = _shard(tiny_zoo)
    for device, more, wrong in (("cpu", 1, True), ("cuda", 2, False), ("cuda", 3, True)):
        forged = _forged(rows[0], device, more)
        write_atomically(shard_path(tmp_path, 2), shard_bytes(stacked, [forged, *rows[1:]]))
        merge(tmp_path, [])
        assert verify(tmp_path, 20, 0, torch.device("cpu")).wrong == [forged.subject] * wrong


def _shard(zoo: Path) -> tuple[list[IndexRow], dict[str, torch.Tensor]]:
    """Rows and weights of one of its groups."""
    rows = [row for row in read_index(zoo) if row.group == 2]
    singles = read_weights(zoo, rows)
    return rows, {name: torch.stack([single[name] for single in singles]) for name in singles[0]}


def _forged(row: IndexRow, device: str, more: int) -> IndexRow:
    """The row as if another device had made it, with fewer right answers than there were."""
    first, *rest = row.buckets
    correct = first.correct - more
    fewer = first.model_copy(update={"correct": correct, "accuracy": correct / first.formulas})
    label = label_of(judge([fewer, *rest], row.definition))
    return row.model_copy(update={"device": device, **label})


@pytest.mark.parametrize(
    "forged", [{"label": True, "converged": True}, {"long_accuracy": 1.0}, {"reach": 4.0}, {"certain": False}], ids=str
)
def test_a_label_that_the_counts_do_not_make_is_wrong(
    tiny_zoo: Path, tmp_path: Path, forged: dict[str, object]
) -> None:
    rows, stacked = _shard(tiny_zoo)
    row = next(row for row in rows if any(getattr(row, name) != value for name, value in forged.items()))
    changed = [one.model_copy(update=forged) if one is row else one for one in rows]
    write_atomically(shard_path(tmp_path, 2), shard_bytes(stacked, changed))
    merge(tmp_path, [])
    assert verify(tmp_path, 1, 0, torch.device("cpu")).wrong == [row.subject]
