"""Other ways to tell generalizers apart, on the same folds as the sandwich."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from app.evidence.folds import Fold
from app.formulas.datasets import sample_formulas
from app.formulas.vocabulary import FORMULA_SYMBOLS
from app.sandwich.cohorts import Cohort
from app.sandwich.config import SandwichConfig
from app.sandwich.readout import CHANNELS
from app.sandwich.sandwich import Sandwich
from app.subjects.config import Norm, Pooling, Scheme
from app.zoo.shards import IndexRow

_STATISTICS = 7
_FORMULA_SEED = 7


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


def placed_formulas(config: SandwichConfig, cohorts: Sequence[Cohort]) -> Baseline:
    """Real labelled formulas as long as the probes, at the same places: a short direct test of every place.

    Features are the accuracy and the mean of the squashed, signed margin at each place.
    """
    task = cohorts[0].subjects.configs[0].task
    formulas = sample_formulas(task, config.probe_length, config.probe_length, config.probes, seed=_FORMULA_SEED)
    sandwich = Sandwich(config.model_copy(update={"probes": len(formulas)}))
    symbols = F.one_hot(torch.from_numpy(formulas.ids.astype(np.int64)), len(FORMULA_SYMBOLS)).float()
    sign = torch.from_numpy(np.where(formulas.satisfiable, 1.0, -1.0))
    features = np.zeros((sum(len(cohort.subjects) for cohort in cohorts), 2 * (1 + len(config.placements))))
    for cohort in cohorts:
        for chunk in cohort.chunks(range(len(cohort.subjects))):
            device = chunk.subjects.device
            with torch.inference_mode():
                gap = sandwich.responses(chunk.subjects, symbols.to(device))[..., CHANNELS.index("gap")].cpu()
            margin = gap * sign
            found = [(margin > 0).double().mean(dim=-1), (margin / 2).tanh().mean(dim=-1)]
            features[chunk.numbers.numpy()] = torch.cat(found, dim=1).numpy()
    return Baseline("placed_formulas", features, _logistic)


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
