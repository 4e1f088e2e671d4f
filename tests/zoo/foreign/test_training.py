"""Training of one foreign subject."""

from pathlib import Path

import torch
from probe_sandwich.zoo.foreign.build import build

from tests.zoo.foreign.plans import DEFINITION, plan


def test_what_is_hopeless_is_given_up_and_its_row_tells_when(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    assert row.given_up_at == 7


def test_torchs_random_state_is_left_as_it_was(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    build(tmp_path, [plan()], DEFINITION)
    assert torch.equal(torch.get_rng_state(), state)
