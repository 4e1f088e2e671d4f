"""A direct test of so many tokens, drawn from what subjects did on labelled inputs."""

from pathlib import Path

import numpy as np
import pytest
from probe_sandwich.evidence.universal.direct import direct_draws, direct_point
from probe_sandwich.length_test import LONG
from probe_sandwich.zoo.shards import IndexRow, read_index


@pytest.fixture(scope="module")
def rows(small_zoo: Path) -> list[IndexRow]:
    return read_index(small_zoo)[:6]


def test_it_reads_as_many_inputs_as_the_tokens_have_room_for(rows: list[IndexRow]) -> None:
    labels = np.arange(len(rows)) % 2 == 1
    one = direct_point(rows, labels, 1)
    assert one.formulas == 1
    assert direct_point(rows, labels, 40 * one.tokens) == direct_point(rows, labels, 40 * one.tokens + 0.1)
    assert direct_point(rows, labels, 40 * one.tokens).formulas == 40


def test_many_inputs_come_near_to_the_accuracy_that_was_stored_and_few_do_not_always(rows: list[IndexRow]) -> None:
    stored = [
        sum(bucket.correct for bucket in row.buckets[LONG]) / sum(bucket.formulas for bucket in row.buckets[LONG])
        for row in rows
    ]
    few, many = (direct_draws(rows, tokens, 50) for tokens in (100, 2000))
    assert few.shape == many.shape == (50, len(rows))
    assert np.abs(many - stored).mean() < np.abs(few - stored).mean()
    assert many.mean(axis=0) == pytest.approx(np.array(stored), abs=0.05)


def test_the_same_seed_draws_the_same(rows: list[IndexRow]) -> None:
    assert np.array_equal(direct_draws(rows, 300, 4), direct_draws(rows, 300, 4))
    assert not np.array_equal(direct_draws(rows, 300, 4), direct_draws(rows, 300, 4, seed=1))
