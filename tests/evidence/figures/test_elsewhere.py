"""What verdicts are worth on subjects from elsewhere."""

from pathlib import Path
from typing import Any

import torch
from probe_sandwich.evidence.figures.elsewhere import (
    CPU,
    Judged,
    by_kind,
    judge_foreign,
    judge_made_of_foreign,
    shuffled,
    worth,
)
from probe_sandwich.sandwich.meta_classifier import load_meta_classifier
from probe_sandwich.zoo.foreign.store import read_rows
from probe_sandwich.zoo.foreign.subject import build_module

from tests.conftest import MODEL


def judged(probability: float, label: bool, **facts: Any) -> Judged:
    usual: dict[str, Any] = {"kinds": ("all",), "converged": True, "unlikeness": 0.5, "split": False}
    return Judged(probability=probability, label=label, **(usual | facts))


SOME = [
    judged(0.9, True),
    judged(0.8, False, kinds=("all", "odd"), unlikeness=1.5),
    judged(0.2, False, split=True),
    judged(0.7, True, unlikeness=2.5),
]


def test_what_is_answered_and_what_would_be_right_are_told_apart() -> None:
    figures = worth(SOME, 0.5)
    assert (figures.subjects, figures.generalizers, figures.accuracy) == (4, 2, 0.75)
    assert (figures.answered, figures.accuracy_of_answered) == (1, 1.0)
    assert figures.auc == 0.75


def test_a_wider_limit_answers_more_and_those_of_two_minds_never() -> None:
    assert [worth(SOME, 0.5, limit).answered for limit in (1, 2, 3)] == [1, 2, 3]
    assert worth(SOME, 0.5, 2).accuracy_of_answered == 0.5


def test_subjects_count_in_all_their_kinds() -> None:
    assert {kind: len(some) for kind, some in by_kind(SOME).items()} == {"all": 4, "odd": 1}


def test_foreign_subjects_and_what_is_made_of_them_are_judged_by_the_shipped_ensemble(foreign_folder: Path) -> None:
    meta = load_meta_classifier(MODEL, CPU)
    answers = [
        *judge_foreign(meta, foreign_folder),
        *judge_made_of_foreign(meta, foreign_folder),
    ]
    assert ["foreign" in answers[0].kinds, *(one.kinds[0] for one in answers[1:])] == [
        True,
        "foreign, shuffled weights",
        "foreign, freshly initialized",
    ]
    assert all(0 <= one.probability <= 1 for one in answers)
    assert len({one.unlikeness for one in answers}) == 3


def test_shuffling_keeps_every_number_and_no_order(foreign_folder: Path) -> None:
    (row,) = read_rows(foreign_folder)
    module, other = build_module(row.config, 0), shuffled(build_module(row.config, 0), 1)
    for one, two in zip(module.parameters(), other.parameters(), strict=True):
        assert torch.equal(one.flatten().sort().values, two.flatten().sort().values)
    assert not torch.equal(next(module.parameters()), next(other.parameters()))
