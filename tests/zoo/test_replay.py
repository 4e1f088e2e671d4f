"""Steps of a GPU, recorded and replayed."""

import pytest
import torch
from probe_sandwich.zoo.build import training_run
from probe_sandwich.zoo.recipe import Group
from probe_sandwich.zoo.replay import Turn
from probe_sandwich.zoo.training import train_stack


def test_a_turn_without_offsets_has_none_to_write() -> None:
    chosen, pace = torch.zeros(2, 3, dtype=torch.long), torch.zeros(4, 2, 1)
    turn = Turn(chosen, None, pace, 5).on(torch.device("cpu"))
    assert [part.shape for part in turn.parts] == [chosen.shape, pace.shape]
    assert len(Turn(chosen, chosen, pace, 5).parts) == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_replayed_steps_train_as_those_of_a_cpu_do(tiny_groups: list[Group]) -> None:
    """Short ones: after hundreds of steps, what TF32 rounds has grown to what tells one seed from another."""
    for group in tiny_groups:
        (here,), (there,) = (train_stack([training_run(group)], torch.device(name)) for name in ("cpu", "cuda"))
        torch.testing.assert_close(there.losses, here.losses, atol=1e-2, rtol=1e-2)
