"""Other ways to tell generalizers apart, on the same folds as the sandwich."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from app.evidence.folds import Fold
from app.sandwich.config import SandwichTraining
from app.subjects.config import Norm, Pooling, Scheme
from app.zoo.shards import IndexRow

_STATISTICS = 7


@dataclass(frozen=True)
class Baseline:
    """Features `(subjects, features)` and the classifier that reads them."""

    name: str
    features: NDArray[np.float64]
    classifier: Callable[[], ClassifierMixin]


def tabular_baselines(rows: Sequence[IndexRow], weights: Sequence[dict[str, Tensor]]) -> list[Baseline]:
    """The baselines that look at a table and never at a response."""
    return [
        Baseline("configuration", _configuration(rows), _forest),
        Baseline("in_distribution", _in_distribution(rows), _logistic),
        Baseline("weight_statistics", _weight_statistics(weights), _boosting),
    ]


def out_of_fold(baseline: Baseline, labels: NDArray[np.bool_], folds: Sequence[Fold]) -> NDArray[np.float64]:
    """Probabilities `(subjects,)`, each from a classifier that saw none of the subject's configuration."""
    probability = np.zeros(len(labels))
    for fold in folds:
        # Nothing is stopped early here, so validation subjects are trained on as well.
        train = np.concatenate([fold.train, fold.validation])
        classifier = baseline.classifier()
        classifier.fit(baseline.features[train], labels[train])
        probability[fold.test] = classifier.predict_proba(baseline.features[fold.test])[:, 1]
    return probability


def unlearned_probes(training: SandwichTraining) -> SandwichTraining:
    """Settings for the same readout behind a generator that is random and stays so."""
    return training.model_copy(update={"warm_up_steps": 0, "generator_rate": 0.0})


def _forest() -> ClassifierMixin:
    return RandomForestClassifier(500, min_samples_leaf=4, random_state=0)


def _logistic() -> ClassifierMixin:
    return make_pipeline(StandardScaler(), LogisticRegression())


def _boosting() -> ClassifierMixin:
    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
    )


def _configuration(rows: Sequence[IndexRow]) -> NDArray[np.float64]:
    """Everything that was decided before training."""
    return np.array(
        [
            [
                *(row.config.scheme is scheme for scheme in Scheme),
                *(row.config.pooling is pooling for pooling in Pooling),
                row.config.causal,
                row.config.norm is Norm.PRE,
                row.config.layers,
                row.config.d_model,
                row.config.heads,
                np.log(row.training.learning_rate),
                row.training.weight_decay,
                row.training.batch,
                row.training.formulas,
                row.training.max_offset,
            ]
            for row in rows
        ],
        dtype=np.float64,
    )


def _in_distribution(rows: Sequence[IndexRow]) -> NDArray[np.float64]:
    """Log-odds of the accuracy on (0, T], half a formula added on either side."""
    inside = [row.buckets[0] for row in rows]
    return np.array([[np.log((b.correct + 0.5) / (b.formulas - b.correct + 0.5))] for b in inside])


def _weight_statistics(weights: Sequence[dict[str, Tensor]]) -> NDArray[np.float64]:
    """Statistics of every tensor, deeper layers aligned by first, middle and last (StatNN, Unterthiner et al.
    2020, arXiv 2002.11448)."""
    return np.stack([_statistics_of(single) for single in weights])


def _statistics_of(weights: dict[str, Tensor]) -> NDArray[np.float64]:
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
    parts = sorted({name.split(".", 2)[2] for name in weights if name.startswith("layers.")})
    names = [f"layers.{layer}.{part}" for layer in (0, (layers - 1) // 2, layers - 1) for part in parts]
    names += ["embedding", "head.weight", "head.bias"]
    features = [_moments(weights[name]) for name in names]
    table = _moments(weights["positions"]) if "positions" in weights else np.zeros(_STATISTICS)
    return np.concatenate([*features, table])


def _moments(tensor: Tensor) -> NDArray[np.float64]:
    quantiles = torch.quantile(tensor.flatten(), torch.linspace(0, 1, _STATISTICS - 2))
    return torch.cat([tensor.mean()[None], tensor.std()[None], quantiles]).double().numpy()
