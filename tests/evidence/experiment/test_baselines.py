"""Baselines find what is there, and nothing else."""

import numpy as np
from probe_sandwich.evidence.experiment.baselines import Baseline, cross_validated, tabular_baselines
from probe_sandwich.evidence.experiment.folds import make_folds
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.subjects.config import Scheme
from probe_sandwich.zoo.shards import IndexRow, read_weights


def test_the_configuration_tells_everything_that_differs_before_training_but_the_seed(shipped: Zoo) -> None:
    rows = shipped.rows
    table = tabular_baselines(rows, read_weights(shipped.folder, rows))[0]
    assert table.name == "configuration"

    def facts(row: IndexRow) -> str:
        config = row.config
        if config.scheme not in (Scheme.SINUSOIDAL, Scheme.ROTARY):
            config = config.model_copy(update={"position_base": 1.0})  # which nothing reads there
        return f"{config.model_dump_json()} {row.training.model_dump_json()}"

    told = {facts(row): tuple(features) for row, features in zip(rows, table.features.tolist(), strict=True)}
    assert len(set(told.values())) == len(told) > 100


def test_shuffled_labels_give_baselines_nothing_to_find(shipped: Zoo) -> None:
    # One shuffle of 180 labels strayed by 0.07 (standard deviation, measured over 16); of 870 by half of that.
    folds = make_folds(shipped.groups, shipped.configurations, 5, 0)
    shuffles = [np.random.default_rng(seed).permutation(shipped.labels) for seed in range(2)]
    for baseline in tabular_baselines(shipped.rows, read_weights(shipped.folder, shipped.rows)):
        values = [auc(cross_validated(baseline, labels, folds), labels) for labels in shuffles]
        assert abs(np.mean(values) - 0.5) < 0.1, baseline.name


def test_a_baseline_that_knows_the_label_is_found_to_know_it(shipped: Zoo) -> None:
    folds = make_folds(shipped.groups, shipped.configurations, 5, 0)
    honest = tabular_baselines(shipped.rows, read_weights(shipped.folder, shipped.rows))[1]
    oracle = Baseline("oracle", shipped.labels[:, None].astype(float), honest.classifier)
    assert auc(cross_validated(oracle, shipped.labels, folds), shipped.labels) == 1.0
