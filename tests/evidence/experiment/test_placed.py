"""What placements can change, by position scheme."""

import numpy as np
import torch
from probe_sandwich.evidence.experiment.agreement import PLACEMENTS
from probe_sandwich.evidence.experiment.placed import placed_gaps
from probe_sandwich.sandwich.placements import Kind
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.zoo.cohorts import Cohort

from tests.conftest import StackFactory

SHIFTS = [1 + n for n, placement in enumerate(PLACEMENTS) if placement.kind is Kind.SHIFTED]


def test_placements_change_nothing_without_positions_and_shifts_nothing_under_relative_ones(
    tiny_stack: StackFactory,
) -> None:
    stack = tiny_stack({"scheme": "none"}, {"scheme": "rotary"}, {"scheme": "alibi"}, {"scheme": "sinusoidal"})
    numbers = torch.arange(len(stack))
    formulas = sample_formulas(stack.configs[0].task, 12, 12, 16, seed=0)
    gaps = placed_gaps(formulas, PLACEMENTS, [Cohort(stack, numbers, numbers, numbers, numbers)])
    moved = np.abs(gaps - gaps[:, :1]).max(axis=2)
    assert moved[0].max() < 1e-4
    assert moved[1:3, SHIFTS].max() < 1e-4
    assert moved[1:3, 3:].max() > 1e-3
    assert moved[3].max() > 1e-3
