"""Sandwich and baselines together: what the baselines add to the sandwich."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from probe_sandwich.evidence.experiment.baselines import Baseline, cross_validated
from probe_sandwich.evidence.experiment.folds import Fold, make_folds
from probe_sandwich.evidence.experiment.zoo import Zoo


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
            column = log_odds(cross_validated(baseline, zoo.labels, inner))
            column[fold.test] = log_odds(cross_validated(baseline, zoo.labels, [fold]))[fold.test]
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
