"""How a module is run, found by running it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from probe_sandwich.subjects.foreign.errors import (
    BeyondItsTables,
    DependsOnItsBatch,
    NotDeterministic,
    UncallableModel,
    UnusableModel,
    WrongLogits,
)
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.runs import alike, by_length, find_run, random_ids, says_nothing
from probe_sandwich.subjects.foreign.tables import bounded
from torch import Tensor, nn

from tests.own_models import GPT, VOCABULARY, Encoder, T

READING = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#")
IDS = torch.tensor([[1, 2, 3, 1, 2], [3, 1, 0, 0, 0], [2, 2, 3, 0, 0]])
MASK = IDS > 0


def alone(module: nn.Module, forward: Callable[[Tensor], Any]) -> Tensor:
    """Logits of each input by itself, without padding."""
    return torch.cat([forward(row[seen].unsqueeze(0)) for row, seen in zip(IDS, MASK, strict=True)])


@torch.no_grad()
def test_a_module_that_heeds_a_mask_is_run_in_one_call() -> None:
    module = Encoder().eval()
    run, heeds_mask = find_run(module, READING)
    assert heeds_mask
    torch.testing.assert_close(run(IDS, MASK, None), alone(module, module), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_module_that_heeds_none_is_run_length_by_length() -> None:
    module = GPT().eval()
    run, heeds_mask = find_run(module, READING)
    assert not heeds_mask
    torch.testing.assert_close(run(IDS, MASK, None), alone(module, lambda ids: module(ids)[0][:, 0]))


def test_inputs_of_one_length_share_a_call_and_answers_keep_their_rows() -> None:
    calls: list[list[int]] = []

    def run(ids: Tensor, mask: Tensor, places: Tensor | None) -> Tensor:
        calls.append(list(ids.shape))
        return ids[:, :1].float()

    ids = torch.tensor([[1, 2, 3], [2, 1, 0], [3, 1, 2]])
    assert by_length(run)(ids, ids > 0, None).tolist() == [[1], [2], [3]]
    assert sorted(calls) == [[1, 2], [2, 3]]


@pytest.mark.parametrize(
    ("forward", "error"),
    [
        (lambda ids, mask: ids["logits"], UncallableModel),
        (lambda ids, mask: torch.zeros(len(ids), 3), WrongLogits),
        (lambda ids, mask: torch.randn(len(ids), 2), NotDeterministic),
    ],
    ids=["fails", "three classes", "never the same"],
)
def test_a_way_that_is_none_is_refused(forward: Callable[[Tensor, Tensor], Any], error: type[UnusableModel]) -> None:
    with pytest.raises(error):
        find_run(Encoder(), READING, forward)


class _Misbehaving(Encoder):
    """Wants its mask, so that a call without it fails for another reason."""

    def __init__(self, misbehave: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.misbehave = misbehave

    def forward(self, ids: Tensor, padding_mask: Tensor) -> Tensor:
        return self.misbehave(self, super().forward(ids, padding_mask))


def drifting(module: nn.Module, logits: Tensor) -> Tensor:
    for parameter in module.parameters():
        parameter.data *= 0.9
    return logits


@pytest.mark.parametrize(
    ("misbehave", "error"),
    [
        (lambda module, logits: logits + torch.randn_like(logits), NotDeterministic),
        (drifting, NotDeterministic),
        (lambda module, logits: logits - logits.mean(dim=0), DependsOnItsBatch),
        (lambda module, logits: logits + (len(logits) > 8) * logits[:1], DependsOnItsBatch),
    ],
    ids=["random", "weights change", "batch's mean", "only in large batches"],
)
@torch.no_grad()
def test_a_module_that_misbehaves_is_told_how(
    misbehave: Callable[[nn.Module, Tensor], Tensor], error: type[UnusableModel]
) -> None:
    with pytest.raises(error):
        find_run(_Misbehaving(misbehave).eval(), READING)


class _Averaging(Encoder):
    """Divides by how many symbols are seen: a mask the wrong way round has none, and its answers are NaN."""

    def forward(self, ids: Tensor, padding_mask: Tensor) -> Tensor:
        x = self.symbols(ids) + self.positions(torch.arange(ids.shape[1]))
        seen = (~padding_mask).unsqueeze(-1).float()
        return self.head((x * seen).sum(dim=1) / seen.sum(dim=1))


@torch.no_grad()
def test_a_table_that_is_too_short_for_t_is_told_before_all_that_comes_of_it() -> None:
    module = _Averaging().eval()
    with bounded(module), pytest.raises(BeyondItsTables, match=r"row 99 of a table of 64.*train_max_length"):
        find_run(module, Reading(vocabulary=VOCABULARY, train_max_length=100, pad="#"))


def test_logits_are_alike_up_to_rounding_and_no_further() -> None:
    logits = torch.tensor([[100.0, -100.0], [101.0, -101.0]])
    rounded = logits * (1 + torch.finfo(torch.float32).eps)
    assert alike(logits, rounded, torch.float32)
    assert not alike(logits, logits + 0.01, torch.float32)
    assert says_nothing(torch.stack([logits[0], rounded[0]]), torch.float32)
    assert not says_nothing(logits, torch.float32)


def test_random_ids_are_of_the_tasks_symbols() -> None:
    assert set(random_ids(READING, 20, T).unique().tolist()) == {1, 2, 3}
