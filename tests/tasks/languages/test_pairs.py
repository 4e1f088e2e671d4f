"""Formal languages: exact labels, balanced at every length, and as little told by counts as the language allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.shortcuts import bag_of_symbols, bag_of_symbols_accuracy
from probe_sandwich.tasks.splits import Split

from tests.tasks.languages.rules import RULES

ALL = pytest.mark.parametrize("name", list(LanguageName))


@ALL
@given(seed=st.integers(0, 2**32 - 1), shortest=st.integers(1, 40))
def test_labels_are_what_the_rule_says(name: LanguageName, seed: int, shortest: int) -> None:
    inputs = sample_formulas(LanguageTask(name=name), shortest, shortest + 12, 60, seed)
    assert [RULES[name](text) for text in inputs.texts()] == inputs.satisfiable.tolist()


@ALL
def test_half_of_the_inputs_are_in_the_language_at_every_length_and_none_stands_in_both_splits(
    name: LanguageName,
) -> None:
    task = LanguageTask(name=name)
    training, evaluation = (sample_formulas(task, 1, 24, 1000, 3, split) for split in Split)
    for inputs in (training, evaluation):
        for length in np.unique(inputs.lengths):
            assert inputs.satisfiable[inputs.lengths == length].mean() == 0.5
    assert not set(training.texts()) & set(evaluation.texts())


@ALL
def test_a_pair_differs_in_two_places_at_most(name: LanguageName) -> None:
    inputs = sample_formulas(LanguageTask(name=name), 16, 32, 400, 4)
    differences = (inputs.ids[0::2] != inputs.ids[1::2]).sum(axis=1)
    assert differences.min() >= 1
    assert differences.max() <= 2


@ALL
def test_counts_and_length_tell_nothing_unless_counts_are_what_is_asked(name: LanguageName) -> None:
    train, test = (sample_formulas(LanguageTask(name=name), 17, 32, 1000, seed) for seed in (5, 6))
    if name in (LanguageName.MAJORITY, LanguageName.THRESHOLD):
        assert bag_of_symbols_accuracy(train, test)["linear"] > 0.95
    elif name in (LanguageName.PARITY, LanguageName.MODULO, LanguageName.EQUAL):
        assert bag_of_symbols_accuracy(train, test)["linear"] <= 0.55
    else:
        assert (bag_of_symbols(test)[0::2] == bag_of_symbols(test)[1::2]).all()
