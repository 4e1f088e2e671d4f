"""Rivals that place labelled formulas as the probes are placed: a short direct test at every placement."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from probe_sandwich.evidence.experiment.baselines import Baseline, forest
from probe_sandwich.evidence.experiment.methods import PLACED_FORMULAS
from probe_sandwich.evidence.experiment.placed import placed_gaps
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.zoo.cohorts import Cohort

_FORMULA_SEED = 7


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
    return Baseline(name, features, forest)
