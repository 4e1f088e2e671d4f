"""Baselines: tables of facts about a subject, and the classifiers that read them, on the same folds as the sandwich."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.methods import (
    CONFIGURATION,
    CONFIGURATION_AND_IN_DISTRIBUTION,
    IN_DISTRIBUTION,
    WEIGHT_STATISTICS,
)
from probe_sandwich.evidence.experiment.weights import weight_statistics
from probe_sandwich.subjects.config import Activation, Norm, Pooling, Scheme
from probe_sandwich.zoo.shards import IndexRow

_WITH_A_BASE = (Scheme.SINUSOIDAL, Scheme.ROTARY)
_DECIMALS = 9


@dataclass(frozen=True)
class Baseline:
    """Features `(subjects, features)` and the classifier that reads them."""

    name: str
    features: NDArray[np.float64]
    classifier: Callable[[], ClassifierMixin]


def tabular_baselines(rows: Sequence[IndexRow], weights: Sequence[dict[str, Tensor]]) -> list[Baseline]:
    """The baselines that look at a table and never at a response.

    Of logistic regression, forest and boosting, each has the reader that did best out of fold on the shipped zoo: a
    choice in the baselines' favour.
    """
    configuration, in_distribution = _configuration(rows), _in_distribution(rows)
    return [
        Baseline(CONFIGURATION, configuration, _logistic),
        Baseline(IN_DISTRIBUTION, in_distribution, forest),
        Baseline(CONFIGURATION_AND_IN_DISTRIBUTION, np.hstack([configuration, in_distribution]), _boosting),
        Baseline(WEIGHT_STATISTICS, weight_statistics(weights), _firm_logistic),
    ]


def cross_validated(baseline: Baseline, labels: NDArray[np.bool_], folds: Sequence[Fold]) -> NDArray[np.float64]:
    """Probabilities `(subjects,)`, each from a classifier that saw none of the subject's configuration."""
    probability = np.zeros(len(labels))
    for fold in folds:
        classifier = baseline.classifier()
        classifier.fit(baseline.features[fold.train], labels[fold.train])
        probability[fold.test] = classifier.predict_proba(baseline.features[fold.test])[:, 1]
    # Sums of products differ in the last place from row to row: subjects of the same features must tie.
    result: NDArray[np.float64] = probability.round(_DECIMALS)
    return result


def forest() -> ClassifierMixin:
    """A random forest whose leaves hold at least four subjects."""
    return RandomForestClassifier(500, min_samples_leaf=4, random_state=0)


def _logistic() -> ClassifierMixin:
    return make_pipeline(StandardScaler(), LogisticRegression())


def _firm_logistic() -> ClassifierMixin:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01))


def _boosting() -> ClassifierMixin:
    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
    )


def _configuration(rows: Sequence[IndexRow]) -> NDArray[np.float64]:
    """Everything that was decided before training, but for the seed. A position base counts where the scheme has
    one."""
    return np.array(
        [
            [
                *(row.config.scheme is scheme for scheme in Scheme),
                *(np.log(row.config.position_base) * (row.config.scheme is scheme) for scheme in _WITH_A_BASE),
                *(row.config.pooling is pooling for pooling in Pooling),
                row.config.causal,
                row.config.norm is Norm.PRE,
                row.config.layers,
                row.config.d_model,
                row.config.heads,
                row.config.d_ff,
                row.config.activation is Activation.GELU,
                np.log(row.training.steps),
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
    """Log-odds of the accuracy on (0, T], half a formula added on each side, and the log of the last training loss."""
    inside = [(row.buckets[0], row.losses[-1]) for row in rows]
    return np.array(
        [
            [np.log((bucket.correct + 0.5) / (bucket.formulas - bucket.correct + 0.5)), np.log(loss + 1e-6)]
            for bucket, loss in inside
        ]
    )
