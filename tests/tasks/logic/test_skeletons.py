"""Structures of formulas."""

import numpy as np
import pytest
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.skeletons import LEAF, sample_skeleton
from probe_sandwich.tasks.logic.tasks import Task, TaskName


@pytest.mark.parametrize("depth", [1, 2])
def test_bounded_formulas_grow_in_width_and_not_in_depth(depth: int) -> None:
    task = Task(name=TaskName.FORMULA, variables=2, max_depth=depth)
    texts = sample_formulas(task, 30, 33, 40, seed=7).texts()
    depths = [max(text[:end].count("(") - text[:end].count(")") for end in range(len(text))) for text in texts]
    assert max(depths) == depth


@pytest.mark.parametrize("name", list(TaskName))
def test_a_skeleton_has_its_length_and_both_kinds_of_literals(name: TaskName) -> None:
    rng = np.random.default_rng(0)
    drawn = [sample_skeleton(Task(name=name), 24, rng) for _ in range(50)]
    found = [skeleton for skeleton in drawn if skeleton is not None]
    assert found
    for skeleton in found:
        assert skeleton.length == 24
        assert 1 <= skeleton.negations < skeleton.leaves == skeleton.text.count(LEAF)
        assert sorted(step for step in skeleton.program if isinstance(step, int)) == list(range(skeleton.leaves))
