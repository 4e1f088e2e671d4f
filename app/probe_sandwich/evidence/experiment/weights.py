"""What a classifier can tell from a subject's weights alone."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.subjects.config import Shape
from probe_sandwich.zoo.shards import IndexRow

_STATISTICS = 7


def weight_statistics(weights: Sequence[dict[str, Tensor]]) -> NDArray[np.float64]:
    """Statistics of every tensor, deeper layers aligned by first, middle and last (StatNN, Unterthiner et al.
    2020, arXiv 2002.11448)."""
    return np.stack([_statistics_of(single) for single in weights])


def flattened_weights(
    rows: Sequence[IndexRow],
    weights: Sequence[dict[str, Tensor]],
    labels: NDArray[np.bool_],
    folds: Sequence[Fold],
) -> NDArray[np.float64]:
    """Out-of-fold probabilities `(subjects,)` of a linear classifier on standardized flattened weights, one for each
    shape (Huster et al. 2024, arXiv 2411.03445)."""
    shapes: dict[Shape, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        shapes[row.config.shape].append(number)
    probability = np.zeros(len(rows))
    for numbers in shapes.values():
        flat = np.stack([_flat(weights[number]) for number in numbers])
        for fold in folds:
            train, test = (np.flatnonzero(np.isin(numbers, part)) for part in (fold.train, fold.test))
            if len(test):
                probability[np.array(numbers)[test]] = _linear(flat[train], labels[numbers][train], flat[test])
    return probability


def _linear(train: NDArray[np.float32], labels: NDArray[np.bool_], test: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of the test rows; where the training rows have next to one label only, that label's share."""
    if min(labels.sum(), (~labels).sum()) < 2:
        return np.full(len(test), (labels.sum() + 1) / (len(labels) + 2))
    # With as many components as subjects, the same as a linear classifier on the weights themselves.
    linear = make_pipeline(StandardScaler(), PCA(), LogisticRegression(C=1 / train.shape[1], max_iter=1000))
    found: NDArray[np.float64] = linear.fit(train, labels).predict_proba(test)[:, 1]
    return found


def _statistics_of(weights: dict[str, Tensor]) -> NDArray[np.float64]:
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
    parts = sorted({name.split(".", 2)[2] for name in weights if name.startswith("layers.")})
    names = [f"layers.{layer}.{part}" for layer in (0, (layers - 1) // 2, layers - 1) for part in parts]
    names += ["embedding", "head.weight", "head.bias"]
    features = [_moments(weights[name]) for name in names]
    table = _moments(weights["positions"]) if "positions" in weights else np.zeros(_STATISTICS)
    return np.concatenate([*features, table])


def _flat(weights: dict[str, Tensor]) -> NDArray[np.float32]:
    """All weights but the position table, which only one scheme has."""
    names = sorted(name for name in weights if name != "positions")
    return torch.cat([weights[name].flatten() for name in names]).float().numpy()


def _moments(tensor: Tensor) -> NDArray[np.float64]:
    quantiles = torch.quantile(tensor.flatten(), torch.linspace(0, 1, _STATISTICS - 2))
    return torch.cat([tensor.mean()[None], tensor.std()[None], quantiles]).double().numpy()
