"""Tokens that an answer runs through the subject."""

from probe_sandwich.evidence.experiment.methods import CONTROLS
from probe_sandwich.evidence.figures.tokens import sandwich_tokens, tokens_of_methods
from probe_sandwich.sandwich.config import SandwichConfig


def test_tokens_of_a_diagnosis_are_those_that_the_subject_reads() -> None:
    config = SandwichConfig(probe_length=12, probes=64)
    assert sandwich_tokens(config, members=5, draws=2) == 5 * 2 * 64 * 6 * 13


def test_tokens_of_every_method_are_known_in_one_place() -> None:
    tokens = tokens_of_methods(SandwichConfig(probe_length=12), 12, 1000, members=5)
    assert tokens["sandwich"] == 2 * 64 * 6 * 13
    assert tokens["placed_formulas_of_equal_tokens"] == 5 * tokens["sandwich"]
    assert tokens["self_agreement_trees"] == tokens["self_agreement"] == 64 * 7 * 13
    assert tokens["configuration"] == 0
    assert set(CONTROLS) < set(tokens)
