"""Foreign subjects on disk."""

from pathlib import Path

import pytest
import torch
from probe_sandwich.zoo.foreign.build import build
from probe_sandwich.zoo.foreign.store import (
    DamagedWeights,
    WeightsNotKept,
    read_rows,
    read_subject,
    stored_weights,
    weights_path,
    with_weights,
    write_rows,
)
from probe_sandwich.zoo.foreign.subject import build_module

from tests.zoo.foreign.plans import DEFINITION, plan


def test_weights_that_are_not_the_rows_are_not_read(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    weights_path(tmp_path, 0).write_bytes(weights_path(tmp_path, 0).read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedWeights):
        read_subject(tmp_path, row)
    weights_path(tmp_path, 0).unlink()
    with pytest.raises(WeightsNotKept):
        read_subject(tmp_path, row)


def test_weights_are_kept_in_half_precision() -> None:
    config = plan().config
    fresh = build_module(config, 1)
    read = with_weights(build_module(config, 2), stored_weights(fresh))
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(read.state_dict()[name], tensor.half().float())


def test_a_folder_without_an_index_has_no_rows_and_an_index_is_in_order(tmp_path: Path) -> None:
    assert read_rows(tmp_path) == []
    one, other = build(tmp_path / "built", [plan(0), plan(1)], DEFINITION)
    write_rows(tmp_path, [other, one])
    assert read_rows(tmp_path) == [one, other]
