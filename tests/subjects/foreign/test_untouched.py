"""A module that comes back as it went in."""

import random
from typing import Self

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


class LowRank(nn.Linear):
    """As loralib's: weights that are merged in eval mode and parted in training."""

    def __init__(self) -> None:
        super().__init__(3, 3)
        self.down, self.up = nn.Parameter(torch.randn(1, 3)), nn.Parameter(torch.randn(3, 1))
        self.merged = False

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.merged is mode:
            self.weight.data += (-1 if mode else 1) * self.up.data @ self.down.data
            self.merged = not mode
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer = super().forward(x)
        return answer if self.merged else answer + x @ self.down.T @ self.up.T


class Restless(nn.Module):
    """Everything of it changes in a run."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.counter: torch.Tensor
        self.register_buffer("counter", torch.zeros(3))
        self.register_buffer("wide", torch.ones(1).expand(3))
        self.calls, self.seen = 0, [0]

    def forward(self) -> None:
        self.weight.data = self.weight.data + 1
        self.counter += 1
        self.counter = self.counter + 1
        self.calls += 1
        self.seen.append(self.calls)
        self.kept = self.weight


def bytes_of(module: nn.Module) -> list[tuple[int, bytes]]:
    return [(one.data_ptr(), one.detach().numpy().tobytes()) for one in (*module.parameters(), *module.buffers())]


def test_weights_that_a_mode_merges_are_parted_again_and_learn() -> None:
    model = nn.Sequential(LowRank(), LowRank())
    model[1].eval()
    before = bytes_of(model)
    with untouched(model):
        assert model[0].merged
    assert (model[0].merged, model[1].merged) == (False, True)
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert bytes_of(model) == before
    model(torch.ones(1, 3)).sum().backward()
    assert model[0].up.grad is not None


def test_what_a_run_changes_is_changed_back_in_the_same_storage() -> None:
    module = Restless()
    before = bytes_of(module)
    with untouched(module):
        module()
        module()
    assert bytes_of(module) == before
    assert (module.calls, module.seen, hasattr(module, "kept")) == (0, [0], False)


def test_within_another_call_weights_wait_for_that_ones_end_so_that_they_are_copied_once() -> None:
    module = Restless()
    before = bytes_of(module)
    with untouched(module):
        with untouched(module):
            module()
        assert (module.calls, hasattr(module, "kept")) == (0, False)
        assert module.weight.tolist() == [2, 2, 2]
    assert bytes_of(module) == before


def test_a_graph_that_waits_for_its_backward_pass_is_still_good() -> None:
    model = nn.Sequential(LowRank(), nn.ReLU(), LowRank())
    loss = model(torch.ones(1, 3)).sum()
    with untouched(model):
        pass
    loss.backward()
    assert model[0].up.grad is not None
