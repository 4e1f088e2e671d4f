"""Trees read as tensors."""

import torch
from probe_sandwich.sandwich.forest import Forest


def test_before_any_tree_is_grown_everything_is_even() -> None:
    said = Forest(heads=2, trees=3, leaves=4, outputs=2)(torch.randn(5, 7))
    assert torch.equal(said, torch.full((2, 5, 2), 0.5))


def test_a_features_threshold_decides_which_leaf_speaks_and_trees_are_averaged() -> None:
    forest = Forest(heads=1, trees=2, leaves=3, outputs=1)
    # The first tree asks the second feature, then, to the right, the first; the other tree is one leaf.
    forest.feature[0, 0, :3] = torch.tensor([1, 0, 0])
    forest.threshold[0, 0, :3] = torch.tensor([0.0, 0.0, 2.0])
    forest.child[0, 0, 0, [0, 2]] = torch.tensor([1, 3], dtype=torch.int16)
    forest.child[1, 0, 0, [0, 2]] = torch.tensor([2, 4], dtype=torch.int16)
    forest.value[0, 0, :, 0] = torch.tensor([9.0, 0.1, 9.0, 0.3, 0.7])
    forest.value[0, 1, :, 0] = 0.5
    x = torch.tensor([[5.0, 0.0], [2.0, 1.0], [2.1, 1.0]])
    torch.testing.assert_close(forest(x)[0, :, 0], torch.tensor([0.3, 0.4, 0.6]))
