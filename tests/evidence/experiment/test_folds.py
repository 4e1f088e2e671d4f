"""Folds that never part a configuration."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.evidence.experiment.folds import leave_one_scheme_out, make_folds, thinned


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
