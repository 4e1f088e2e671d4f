"""Labelled subjects in stacks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from probe_sandwich.subjects.transformer import Weights
from probe_sandwich.zoo.cohorts import Cohort, in_chunks, load_cohorts, shuffled_chunks
from probe_sandwich.zoo.shards import IndexRow, read_index, subject_hash


@pytest.fixture(scope="module")
def rows(tiny_zoo: Path) -> list[IndexRow]:
    return read_index(tiny_zoo)


@pytest.fixture(scope="module")
def cohorts(tiny_zoo: Path, rows: list[IndexRow]) -> list[Cohort]:
    return load_cohorts(tiny_zoo, rows, torch.device("cpu"))


def numbers(some: list[Cohort]) -> list[int]:
    return [number for cohort in some for number in cohort.numbers.tolist()]


def weights_of(cohort: Cohort) -> Weights:
    return cohort.subjects.weights


def test_every_subject_stands_in_one_cohort_with_its_own_weights_and_label(
    cohorts: list[Cohort], rows: list[IndexRow]
) -> None:
    assert sorted(numbers(cohorts)) == list(range(len(rows)))
    for cohort in cohorts:
        assert len({config.shape for config in cohort.subjects.configs}) == 1
        for place, number in enumerate(cohort.numbers.tolist()):
            assert subject_hash(weights_of(cohort), place) == rows[number].subject
            assert bool(cohort.labels[place]) is rows[number].label
            assert int(cohort.groups[place]) == rows[number].group


def test_pieces_are_small_and_lose_nobody(cohorts: list[Cohort], rows: list[IndexRow]) -> None:
    assert numbers(list(in_chunks(cohorts))) == numbers(cohorts)
    shuffled = shuffled_chunks(cohorts, np.random.default_rng(1))
    assert sorted(numbers(shuffled)) == list(range(len(rows)))
    assert numbers(shuffled) != numbers(cohorts)
    many = cohorts[0].select([0] * 40)
    assert [len(chunk.labels) for chunk in many.chunks(range(40))] == [16, 16, 8]
