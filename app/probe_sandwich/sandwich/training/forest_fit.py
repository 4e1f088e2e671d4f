"""Growing the trees of a readout: extremely randomized ones (Geurts et al. 2006)."""

from typing import Any

import torch
from sklearn.ensemble import ExtraTreesRegressor
from torch import Tensor

from probe_sandwich.sandwich.forest import Forest, coarse

_LEAST_LEAF = 5
_FEATURES = 0.3
"""Share of the features that a split is chosen from."""


def grow(forest: Forest, features: Tensor, targets: Tensor, weights: Tensor, blind: Tensor, seed: int) -> None:
    """Grow each head's trees on the subjects that it is not blind to: `features (subjects, draws, features)` to
    `targets (subjects, outputs)`, each counting by its `weights (subjects,)`; the head `blind (subjects,)` is blind."""
    heads, trees, nodes, _ = forest.value.shape
    features = coarse(features)
    draws = features.shape[1]
    for head in range(heads):
        seen = blind != head
        grown = ExtraTreesRegressor(
            trees,
            min_samples_leaf=_LEAST_LEAF * draws,
            max_features=_FEATURES,
            max_leaf_nodes=(nodes + 1) // 2,
            random_state=seed * heads + head,
        ).fit(
            features[seen].flatten(0, 1).numpy(),
            targets[seen].repeat_interleave(draws, dim=0).numpy(),
            sample_weight=weights[seen].repeat_interleave(draws).numpy(),
        )
        for number, tree in enumerate(grown.estimators_):
            _write(forest, head, number, tree.tree_)


def _write(forest: Forest, head: int, number: int, tree: Any) -> None:
    """Copy one of scikit-learn's trees, in which a leaf has children -1."""
    count = tree.node_count
    left, right = (torch.from_numpy(side.copy()) for side in (tree.children_left, tree.children_right))
    itself, leaf = torch.arange(count), left < 0
    forest.child[0, head, number, :count] = torch.where(leaf, itself, left).short()
    forest.child[1, head, number, :count] = torch.where(leaf, itself, right).short()
    forest.feature[head, number, :count] = torch.from_numpy(tree.feature.copy()).clamp(min=0).short()
    forest.threshold[head, number, :count] = torch.from_numpy(tree.threshold.copy()).float()
    forest.value[head, number, :count] = torch.from_numpy(tree.value[:, :, 0].copy()).float()
