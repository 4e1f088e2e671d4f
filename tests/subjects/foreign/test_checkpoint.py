"""A foreign subject as it came."""

from collections.abc import Callable

import pytest
import torch
from probe_sandwich.subjects.foreign.checkpoint import ForeignCheckpoint, hash_of
from probe_sandwich.subjects.foreign.module import PlainSubject
from probe_sandwich.subjects.foreign.reading import Reading
from torch import nn

from tests.own_models import VOCABULARY, Encoder, T


def test_a_checkpoint_says_what_it_is() -> None:
    module = Encoder()
    subject = PlainSubject(module, Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#"))
    checkpoint = ForeignCheckpoint(subject, module, hash_of(module))
    assert checkpoint.architecture == "Encoder"
    assert checkpoint.parameters == nn.utils.parameters_to_vector(module.parameters()).numel()
    assert (checkpoint.config, checkpoint.size) == (subject.configs[0], subject.size)


def test_a_hash_is_of_what_a_module_holds_and_of_nothing_else() -> None:
    module, copy = Encoder().bfloat16(), Encoder().bfloat16()
    copy.load_state_dict(module.state_dict())
    assert hash_of(copy.eval().requires_grad_(False)) == hash_of(module)


def increment(module: nn.BatchNorm1d) -> None:
    with torch.no_grad():
        module.weight[1] += 1


def count(module: nn.BatchNorm1d) -> None:
    assert module.num_batches_tracked is not None
    module.num_batches_tracked += 1


@pytest.mark.parametrize("change", [increment, count, nn.Module.double])
def test_a_parameter_a_buffer_or_a_type_that_changes_changes_the_hash(change: Callable[[nn.Module], object]) -> None:
    module = nn.BatchNorm1d(3)
    before = hash_of(module)
    change(module)
    assert hash_of(module) != before
