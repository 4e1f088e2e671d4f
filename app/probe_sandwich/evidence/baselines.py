"""Other ways to tell generalizers apart, on the same folds as the sandwich."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from probe_sandwich.evidence.folds import Fold, make_folds
from probe_sandwich.evidence.placed import placed_gaps
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.cohorts import Cohort
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.subjects.config import Activation, Norm, Pooling, Scheme, Shape
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.zoo.shards import IndexRow

CONFIGURATION, IN_DISTRIBUTION = "configuration", "in_distribution"
PLACED_FORMULAS, AS_MANY_PLACED_FORMULAS = "placed_formulas", "placed_formulas_of_equal_tokens"
WEIGHT_STATISTICS, FLATTENED_WEIGHTS, HYBRID = "weight_statistics", "flattened_weights", "hybrid"
_WITH_A_BASE = (Scheme.SINUSOIDAL, Scheme.ROTARY)
_STATISTICS = 7
_DECIMALS = 9
_FORMULA_SEED = 7


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
        Baseline(IN_DISTRIBUTION, in_distribution, _forest),
        Baseline(f"{CONFIGURATION}_and_{IN_DISTRIBUTION}", np.hstack([configuration, in_distribution]), _boosting),
        Baseline(WEIGHT_STATISTICS, _weight_statistics(weights), _firm_logistic),
    ]


def placed_margins(config: SandwichConfig, members: int, cohorts: Sequence[Cohort]) -> NDArray[np.float64]:
    """Margins `(subjects, 1 + placements, formulas)` on real labelled formulas as long as the probes, at the placements
    of the probes: above 0 where the answer is right. There are as many formulas as the ensemble has probes; both of a
    minimal pair stand side by side."""
    task = cohorts[0].subjects.configs[0].task
    count = members * DRAWS * config.probes
    formulas = sample_formulas(task, config.probe_length, config.probe_length, count, seed=_FORMULA_SEED)
    sign = np.where(formulas.satisfiable, 1.0, -1.0)
    return placed_gaps(formulas, config.placements, cohorts, config.placement_seed) * sign


def placed_formulas(margins: NDArray[np.float64], name: str = PLACED_FORMULAS) -> Baseline:
    """A short direct test of every place: the accuracy and the mean of the squashed margin at each, from margins
    `(subjects, placements, formulas)`."""
    features = np.hstack([(margins > 0).mean(axis=2), np.tanh(margins / 2).mean(axis=2)])
    return Baseline(name, features, _forest)


def out_of_fold(baseline: Baseline, labels: NDArray[np.bool_], folds: Sequence[Fold]) -> NDArray[np.float64]:
    """Probabilities `(subjects,)`, each from a classifier that saw none of the subject's configuration."""
    probability = np.zeros(len(labels))
    for fold in folds:
        classifier = baseline.classifier()
        classifier.fit(baseline.features[fold.train], labels[fold.train])
        probability[fold.test] = classifier.predict_proba(baseline.features[fold.test])[:, 1]
    # Sums of products differ in the last place from row to row: subjects of the same features must tie.
    result: NDArray[np.float64] = probability.round(_DECIMALS)
    return result


def flattened_weights(
    rows: Sequence[IndexRow],
    weights: Sequence[dict[str, Tensor]],
    labels: NDArray[np.bool_],
    folds: Sequence[Fold],
) -> NDArray[np.float64]:
    """Out-of-fold probabilities `(subjects,)` of a linear classifier on standardized flattened weights, one for each
    shape (Huster et al. 2024, arXiv 2411.03445). Where a shape has one label in training, its share is the answer."""
    shapes: dict[Shape, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        shapes[row.config.shape].append(number)
    probability = np.zeros(len(rows))
    for numbers in shapes.values():
        flat = np.stack([_flat(weights[number]) for number in numbers])
        for fold in folds:
            train, test = (np.flatnonzero(np.isin(numbers, part)) for part in (fold.train, fold.test))
            if not len(test):
                continue
            known = labels[numbers][train]
            if min(known.sum(), (~known).sum()) < 2:
                found: Any = (known.sum() + 1) / (len(known) + 2)
            else:
                # With as many components as subjects, the same as a linear classifier on the weights themselves.
                linear = make_pipeline(
                    StandardScaler(), PCA(), LogisticRegression(C=1 / flat.shape[1], max_iter=1000)
                ).fit(flat[train], known)
                found = linear.predict_proba(flat[test])[:, 1]
            probability[np.array(numbers)[test]] = found
    return probability


def hybrid(
    sandwich: Sequence[NDArray[np.float64]],
    probability: NDArray[np.float64],
    beside: Sequence[Baseline],
    zoo: Zoo,
    folds: Sequence[Fold],
) -> NDArray[np.float64]:
    """Out-of-fold probabilities `(subjects,)` of a logistic regression on the log-odds of sandwich and baselines.

    `sandwich` holds for each fold log-odds `(subjects,)` of which those of its training part come from heads that were
    blind to the subject; `probability` is the sandwich's out-of-fold answer. The baselines' log-odds on a training
    part come from folds within it.
    """
    result = np.zeros(len(zoo.rows))
    for fold, held_out in zip(folds, sandwich, strict=True):
        inner = [
            Fold(fold.train[part.train], fold.train[part.test])
            for part in make_folds(zoo.groups[fold.train], zoo.groups[fold.train], len(folds), seed=0)
        ]
        columns = [np.where(np.isin(np.arange(len(zoo.rows)), fold.test), log_odds(probability), held_out)]
        for baseline in beside:
            column = log_odds(out_of_fold(baseline, zoo.labels, inner))
            column[fold.test] = log_odds(out_of_fold(baseline, zoo.labels, [fold]))[fold.test]
            columns.append(column)
        features = np.stack(columns, axis=1)
        together = LogisticRegression().fit(features[fold.train], zoo.labels[fold.train])
        result[fold.test] = together.predict_proba(features[fold.test])[:, 1]
    return result


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds, finite even at 0 and 1."""
    inside = np.clip(probability, 1e-3, 1 - 1e-3)
    result: NDArray[np.float64] = np.log(inside / (1 - inside))
    return result


def _forest() -> ClassifierMixin:
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


def _flat(weights: dict[str, Tensor]) -> NDArray[np.float32]:
    """All weights but the position table, which only one scheme has."""
    names = sorted(name for name in weights if name != "positions")
    return torch.cat([weights[name].flatten() for name in names]).float().numpy()


def _moments(tensor: Tensor) -> NDArray[np.float64]:
    quantiles = torch.quantile(tensor.flatten(), torch.linspace(0, 1, _STATISTICS - 2))
    return torch.cat([tensor.mean()[None], tensor.std()[None], quantiles]).double().numpy()
