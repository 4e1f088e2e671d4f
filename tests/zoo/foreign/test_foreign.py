"""The foreign test set: planned, trained, stored, read."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from probe_sandwich.answer import Definition
from probe_sandwich.length_test import run_length_test
from probe_sandwich.subjects.config import Activation, Norm, Placing
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.zoo.foreign.build import build
from probe_sandwich.zoo.foreign.config import Family, ForeignConfig, ForeignTraining, Pool, Table
from probe_sandwich.zoo.foreign.recipe import COURSES, Plan, manifest
from probe_sandwich.zoo.foreign.store import (
    INDEX,
    DamagedWeights,
    WeightsNotKept,
    read_rows,
    read_subject,
    weights_path,
)
from probe_sandwich.zoo.foreign.subject import build_module, subject_of

DEFINITION = Definition(formulas_per_bucket=20)


def plan(number: int = 0, **facts: Any) -> Plan:
    """A subject so small that it is trained in a moment."""
    usual: dict[str, Any] = {"family": Family.PLAIN, "table": Table.LEARNED, "causal": True, "pool": Pool.LAST}
    config = ForeignConfig(
        d_model=16,
        layers=2,
        heads=2,
        d_ff=16,
        norm=Norm.PRE,
        activation=Activation.RELU,
        begins=True,
        ends=True,
        train_max_length=12,
        task=Task(),
        **(usual | facts),
    )
    training = ForeignTraining(
        steps=20,
        batch=8,
        learning_rate=1e-3,
        weight_decay=0.01,
        dropout=0.1,
        examples=100,
        short_first=True,
        stop_loss=0.0,
        max_offset=12,
    )
    return Plan(number, config, training, 77 + number)


def test_a_third_of_every_task_is_pytorchs_own_encoder_and_the_rest_five_families() -> None:
    plans = manifest()
    assert len({one.number for one in plans}) == len({one.seed for one in plans}) == len(plans)
    for course in COURSES:
        counts = Counter(one.config.family for one in plans if one.config.task == course.task)
        assert counts == {family: course.plans // (3 if family is Family.PLAIN else 7.5) for family in Family}
    assert {one.training.max_offset > 0 for one in plans if one.config.table is Table.LEARNED} == {True, False}


def test_plans_do_not_depend_on_how_many_there_are() -> None:
    few = manifest([replace(course, plans=15) for course in COURSES])
    assert {one.number: one for one in manifest()}.items() >= {one.number: one for one in few}.items()


def test_what_is_stored_is_what_was_labelled(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    assert read_rows(tmp_path) == [row]
    subject = read_subject(tmp_path, row)
    (result,) = run_length_test(subject, DEFINITION)
    assert result.buckets == row.buckets
    assert subject.configs[0].placing is Placing.BY_POSITION


def test_what_is_finished_is_not_made_again(tmp_path: Path) -> None:
    build(tmp_path, [plan(0)], DEFINITION)
    before = weights_path(tmp_path, 0).stat().st_mtime_ns
    made: list[int] = []
    rows = build(tmp_path, [plan(0), plan(1)], DEFINITION, lambda row: made.append(row.number))
    assert made == [1]
    assert [row.number for row in rows] == [0, 1]
    assert weights_path(tmp_path, 0).stat().st_mtime_ns == before


def test_what_was_made_by_another_recipe_is_made_anew(tmp_path: Path) -> None:
    build(tmp_path, [plan(0), plan(1)], DEFINITION)
    other = plan(0, pool=Pool.MEAN)
    rows = build(tmp_path, [other, plan(1)], DEFINITION)
    assert read_rows(tmp_path) == rows
    assert [row.config.pool for row in rows] == [Pool.MEAN, Pool.LAST]
    assert read_subject(tmp_path, rows[0])


def test_a_subject_killed_before_its_row_was_written_comes_out_the_same(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    (tmp_path / INDEX).unlink()
    (again,) = build(tmp_path, [plan()], DEFINITION)
    assert again.subject == row.subject
    assert again.buckets == row.buckets


def test_weights_that_are_not_the_rows_are_not_read(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    weights_path(tmp_path, 0).write_bytes(weights_path(tmp_path, 0).read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedWeights):
        read_subject(tmp_path, row)
    weights_path(tmp_path, 0).unlink()
    with pytest.raises(WeightsNotKept):
        read_subject(tmp_path, row)


def test_what_is_hopeless_is_given_up_and_its_row_tells_when(tmp_path: Path) -> None:
    (row,) = build(tmp_path, [plan()], DEFINITION)
    assert row.given_up_at == 7
    assert not row.converged


def test_torchs_random_state_is_left_as_it_was(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    build(tmp_path, [plan()], DEFINITION)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.hf
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", [family for family in Family if family is not Family.PLAIN])
def test_every_family_is_trained_stored_and_placed(tmp_path: Path, family: Family) -> None:
    pytest.importorskip("transformers")
    foreign = plan(family=family, table=Table.OWN, pool=Pool.OWN)
    training = foreign.training.model_copy(update={"max_offset": 0})
    (row,) = build(tmp_path, [replace(foreign, training=training)], DEFINITION)
    stored = read_subject(tmp_path, row)
    assert stored.configs[0].placing is not Placing.IMPOSSIBLE
    fresh = subject_of(row.config, build_module(row.config, row.seed))
    ids = torch.randint(5, (1, 4, 13))
    mask = torch.ones(4, 13, dtype=torch.bool)
    answers = [one.forward(one.embed_ids(ids), mask).logits for one in (stored, fresh)]
    assert not torch.allclose(*answers)
