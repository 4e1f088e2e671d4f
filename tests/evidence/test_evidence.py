"""Folds that never part a configuration, and figures that mean what they say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.evidence.baselines import Baseline, out_of_fold, placed_formulas, placed_margins, tabular_baselines
from probe_sandwich.evidence.build import ZooTooSmall, train_meta_classifier
from probe_sandwich.evidence.evaluation import OtherZoo, evaluate_meta_classifier
from probe_sandwich.evidence.folds import leave_one_scheme_out, make_folds, thinned
from probe_sandwich.evidence.metrics import auc, calibration_error, lead, measure, within_group_auc
from probe_sandwich.evidence.price import direct_test_prices, overtaken_at, sandwich_tokens
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.sandwich.cohorts import Cohort
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.subjects.config import Scheme
from probe_sandwich.zoo.shards import IndexRow, read_index, read_weights
from sklearn.metrics import roc_auc_score

SHIPPED_ZOO = SHIPPED_MODELS / "zoo-conjunction"


@given(st.integers(8, 40), st.integers(2, 5), st.integers(0, 99))
def test_folds_never_part_a_configuration(configurations: int, folds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.choice(configurations, size=3 * configurations)
    tested = []
    for fold in make_folds(groups, np.arange(configurations), folds, seed):
        assert not set(groups[fold.train]) & set(groups[fold.test])
        assert len(fold.train) + len(fold.test) == len(groups)
        tested += fold.test.tolist()
    assert sorted(tested) == list(range(len(groups)))


def test_a_left_out_scheme_is_seen_in_the_test_part_only() -> None:
    schemes = np.array(["learned", "none", "rotary"])[np.arange(120) % 3]
    folds = leave_one_scheme_out(schemes)
    assert [set(schemes[fold.test]) for fold in folds] == [{"learned"}, {"none"}, {"rotary"}]
    for fold in folds:
        assert len(fold.test) == 40
        assert not set(schemes[fold.test]) & set(schemes[fold.train])


def test_a_thinned_fold_trains_on_whole_configurations_and_is_judged_on_all() -> None:
    groups = np.repeat(np.arange(20), 5)
    fold = make_folds(groups, np.arange(20), 5, 0)[0]
    half = thinned(fold, groups, 0.5, least=1, seed=1)
    assert (half.test == fold.test).all()
    assert set(half.train) < set(fold.train)
    assert len(half.train) == 40
    assert len(set(groups[half.train])) == 8


def test_more_labelled_formulas_buy_a_better_direct_test(shipped: Zoo) -> None:
    prices = direct_test_prices(shipped.rows, shipped.labels)
    areas = [price.auc for price in prices]
    assert areas == sorted(areas)
    assert areas[0] < 0.7
    assert areas[-1] > 0.95
    # T = 12: buckets of 13 to 18 and of 19 to 24 symbols, and the begin symbol.
    assert prices[0].tokens == 19.5
    assert overtaken_at(prices, areas[3]) == 8
    assert overtaken_at(prices, 1.0) is None


def test_tokens_of_a_diagnosis_are_those_that_the_subject_reads() -> None:
    config = SandwichConfig(probe_length=12, probes=64)
    assert sandwich_tokens(config, members=5, draws=2) == 5 * 2 * 64 * 6 * 13


def test_placed_formulas_tell_apart_who_answers_rightly(shipped_cohort: Cohort) -> None:
    config = SandwichConfig(probe_length=12, probes=64)
    margins = placed_margins(config, 1, [shipped_cohort])
    baseline = placed_formulas(margins)
    assert baseline.features.shape == (len(shipped_cohort.subjects), 12)
    # Columns: accuracy at each of six places, then margins; the first is in-distribution accuracy.
    assert baseline.features[:, 0].min() > 0.8
    generalizes = shipped_cohort.labels.numpy() == 1
    placed = baseline.features[:, 1:6].mean(axis=1)
    assert placed[generalizes].mean() > placed[~generalizes].mean() + 0.02


def test_within_configuration_auc_is_a_half_for_what_knows_the_configuration_alone() -> None:
    group = np.repeat(np.arange(20), 5)
    label = np.random.default_rng(0).random(100) < np.repeat(np.linspace(0, 1, 20), 5)
    assert auc(group.astype(float), label) > 0.8
    assert within_group_auc(group.astype(float), label, group)[0] == 0.5


def test_the_interval_within_a_configuration_pairs_nobody_with_a_copy() -> None:
    group = np.repeat(np.arange(20), 5)
    label = np.random.default_rng(0).random(100) < np.repeat(np.linspace(0, 1, 20), 5)
    # Knows the label, but only up to the configuration's own level.
    figures = measure(group.astype(float), label, label.astype(float), group)
    assert (figures.within_configuration_low, figures.within_configuration_high) == (0.5, 0.5)
    noisy = measure(label + np.random.default_rng(1).normal(size=100), label, label.astype(float), group)
    assert noisy.within_configuration_low is not None
    assert noisy.within_configuration_low < noisy.within_configuration_auc < noisy.within_configuration_high


def test_a_planted_lead_is_shown_and_one_of_equal_scores_is_not() -> None:
    rng = np.random.default_rng(2)
    group, label = np.repeat(np.arange(60), 5), rng.random(300) < 0.5
    good, bad, other = (label + rng.normal(size=300) * noise for noise in (0.5, 1.5, 1.5))
    ahead, same, alike = lead(good, bad, label, group), lead(bad, bad, label, group), lead(bad, other, label, group)
    assert ahead is not None
    assert ahead.low > 0
    assert ahead.auc == pytest.approx(roc_auc_score(label, good) - roc_auc_score(label, bad))
    assert same is not None
    assert (same.low, same.auc, same.high) == (0, 0, 0)
    assert not same.shown
    assert alike is not None
    assert alike.low < 0 < alike.high


def test_a_paired_interval_is_narrower_than_that_of_either_method() -> None:
    rng = np.random.default_rng(3)
    group, label = np.repeat(np.arange(60), 5), rng.random(300) < 0.5
    score = label + rng.normal(size=300)
    near = lead(score, score + rng.normal(size=300) * 0.1, label, group)
    alone = measure(score, label, label.astype(float), group)
    assert near is not None
    assert near.high - near.low < (alone.auc_high - alone.auc_low) / 3


def test_what_is_no_probability_has_no_calibration() -> None:
    figures = measure(
        np.array([0.1, 0.9]), np.array([False, True]), np.array([0.1, 0.9]), np.arange(2), calibrated=False
    )
    assert (figures.brier, figures.expected_calibration_error, figures.accuracy) == (None, None, None)
    assert figures.auc == 1.0


def test_calibration_error_of_known_probabilities() -> None:
    probability = np.array([0.25, 0.25, 0.25, 0.25, 0.95, 0.95])
    label = np.array([True, False, False, False, True, False])
    assert calibration_error(probability, label) == pytest.approx(2 / 6 * 0.45)


def test_figures_of_a_perfect_and_of_a_useless_predictor() -> None:
    rng = np.random.default_rng(1)
    group, accuracy = np.repeat(np.arange(40), 5), rng.uniform(0.6, 1, 200)
    label = accuracy >= 0.8
    perfect = measure(label.astype(float), label, accuracy, group)
    useless = measure(rng.random(200), label, accuracy, group)
    assert (perfect.auc, perfect.brier, perfect.within_configuration_auc) == (1.0, 0.0, 1.0)
    assert useless.auc_low < 0.5 < useless.auc_high


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60))
def test_auc_is_that_of_scikit_learn(pairs: list[tuple[int, bool]]) -> None:
    score, label = np.array([p[0] for p in pairs], dtype=float), np.array([p[1] for p in pairs])
    if len(set(label)) == 2:
        assert auc(score, label) == pytest.approx(roc_auc_score(label, score))


def test_one_label_only_has_no_auc() -> None:
    assert auc(np.array([0.1, 0.2]), np.array([True, True])) is None


@pytest.fixture(scope="module")
def shipped() -> Zoo:
    """The converged subjects of the shipped zoo outside its reserve."""
    return Zoo.of(SHIPPED_ZOO, [row for row in read_index(SHIPPED_ZOO) if not row.reserve])


def test_the_shipped_zoo_is_as_large_as_the_readme_says(shipped: Zoo) -> None:
    assert len(shipped.rows) + sum(row.reserve and row.converged for row in read_index(SHIPPED_ZOO)) >= 200


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
        values = [auc(out_of_fold(baseline, labels, folds), labels) for labels in shuffles]
        assert abs(np.mean(values) - 0.5) < 0.1, baseline.name


def test_a_baseline_that_knows_the_label_is_found_to_know_it(shipped: Zoo) -> None:
    folds = make_folds(shipped.groups, shipped.configurations, 5, 0)
    honest = tabular_baselines(shipped.rows, read_weights(shipped.folder, shipped.rows))[1]
    oracle = Baseline("oracle", shipped.labels[:, None].astype(float), honest.classifier)
    assert auc(out_of_fold(oracle, shipped.labels, folds), shipped.labels) == 1.0


def test_a_meta_classifier_is_not_judged_on_a_zoo_that_it_was_not_trained_on(tiny_zoo: Path) -> None:
    """Folds depend on what the zoo holds: on another state of it, test subjects would be training subjects."""
    with pytest.raises(OtherZoo, match="train it anew"):
        evaluate_meta_classifier(tiny_zoo, SHIPPED_MODELS / "conjunction", torch.device("cpu"))


def test_a_folder_of_half_a_zoo_is_refused(tiny_zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(ZooTooSmall, match="at least 10 of each"):
        train_meta_classifier(tiny_zoo, tmp_path / "meta", 1, torch.device("cpu"))
