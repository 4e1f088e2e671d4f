"""A module that comes back as it went in."""

import random

import numpy as np
import pytest
import torch
from probe_sandwich.subjects.foreign.untouched import device_of, untouched
from torch import nn


@pytest.fixture
def module() -> nn.Sequential:
    """Half in training, half frozen."""
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 2))
    module[0].eval().requires_grad_(False)
    return module


def state(module: nn.Module) -> list[object]:
    fused = torch.backends.mha.get_fastpath_enabled()
    return [[p.requires_grad for p in module.parameters()], [part.training for part in module.modules()], fused]


def draws() -> list[float]:
    return [random.random(), np.random.random(), float(torch.rand(()))]


def test_within_it_is_frozen_and_evaluated(module: nn.Module) -> None:
    with untouched(module):
        assert state(module) == [[False] * 4, [False] * 4, False]


def test_afterwards_modes_and_gradients_are_as_they_were_even_after_an_error(module: nn.Module) -> None:
    before = state(module)
    assert before[:2] == [[False, False, True, True], [True, False, True, True]]
    with pytest.raises(ZeroDivisionError), untouched(module):
        raise ZeroDivisionError
    assert state(module) == before


def test_random_numbers_go_on_as_if_nothing_had_been_drawn(module: nn.Module) -> None:
    for seeded in (random.seed, np.random.seed, torch.manual_seed):
        seeded(0)
    wanted = draws()
    for seeded in (random.seed, np.random.seed, torch.manual_seed):
        seeded(0)
    with untouched(module):
        draws()
    assert draws() == wanted


def test_a_module_without_parameters_is_on_the_cpu() -> None:
    assert device_of(nn.ReLU()) == torch.device("cpu")
    assert device_of(nn.Linear(1, 1, device="meta")) == torch.device("meta")
