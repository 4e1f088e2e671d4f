"""The simplest rival: does a subject answer the same when the same formula stands elsewhere?

It needs no label of a formula, and learns nothing but, at the most, how to read the statistics. Close to invariance
under changes that leave the label alone (Ng et al. 2022, arXiv 2207.02093; Deng et al. 2022, arXiv 2207.07065).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier

from probe_sandwich.evidence.experiment.baselines import Baseline
from probe_sandwich.evidence.experiment.methods import AGREEMENT_TREES
from probe_sandwich.evidence.experiment.placed import placed_gaps
from probe_sandwich.sandwich.placements import Kind, Placement
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.zoo.cohorts import Cohort

FORMULAS = 64
PLACEMENTS = tuple(Placement(kind=kind, reach=reach) for kind in Kind for reach in (1.5, 2))
_FORMULA_SEED = 5
_STEEPNESS = 2.0
"""Of the squashing: a gap of the usual size counts as 0.96 of a sure answer."""
_QUANTILES = (0.1, 0.25, 0.5)
_TINY = 1e-9


def unlabelled_gaps(cohorts: Sequence[Cohort]) -> NDArray[np.float64]:
    """Gaps `(subjects, 1 + placements, formulas)` on formulas of T symbols, their labels unused, in units of the
    subject's own usual gap: the scale of its head, which changes no answer, changes none of them."""
    config = cohorts[0].subjects.configs[0]
    formulas = sample_formulas(
        config.task, config.train_max_length, config.train_max_length, FORMULAS, seed=_FORMULA_SEED
    )
    gaps = placed_gaps(formulas, PLACEMENTS, cohorts)
    usual = np.median(np.abs(gaps[:, :1]), axis=2, keepdims=True)
    scaled: NDArray[np.float64] = gaps / np.maximum(usual, _TINY)
    return scaled


def soft_agreement(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the formulas of the squashed answer at each place times that at the usual ones, `(subjects, 1 +
    placements)`: 1 where it is sure and the same, -1 where it is sure and turned."""
    answers = np.tanh(_STEEPNESS * gaps)
    agreement: NDArray[np.float64] = (answers * answers[:, :1]).mean(axis=2)
    return agreement


def untrained(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean soft agreement over the placements as a score from 0 to 1, `(subjects,)`; no probability."""
    score: NDArray[np.float64] = (1 + soft_agreement(gaps)[:, 1:].mean(axis=1)) / 2
    return score


def agreement_trees(gaps: NDArray[np.float64]) -> Baseline:
    """Statistics of the gaps at each place, which do not care which answer is which, read by extremely randomized
    trees: agreement soft and hard, how far answers move, how sure they are, and quantiles and spread of the gaps."""
    answers = np.tanh(_STEEPNESS * gaps)
    as_usual = gaps * np.sign(gaps[:, :1])
    features = [
        soft_agreement(gaps),
        (as_usual > 0).mean(axis=2),
        np.abs(answers - answers[:, :1]).mean(axis=2),
        np.abs(answers).mean(axis=2),
        *np.quantile(as_usual, _QUANTILES, axis=2),
        np.log(np.abs(gaps).std(axis=2) + _TINY),
    ]
    return Baseline(AGREEMENT_TREES, np.hstack(features), _trees)


def answers_that_turn(gaps: NDArray[np.float64]) -> dict[str, float]:
    """By placement, the share of answers that are not those at the usual places, over all subjects."""
    turned = (gaps[:, 1:] > 0) != (gaps[:, :1] > 0)
    shares = turned.mean(axis=(0, 2))
    return {placement.name: float(share) for placement, share in zip(PLACEMENTS, shares, strict=True)}


def _trees() -> ClassifierMixin:
    return ExtraTreesClassifier(500, min_samples_leaf=3, random_state=0)
