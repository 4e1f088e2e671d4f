"""The script that proves a device, on the CPU at a small size."""

import pytest
import torch

from tests.benchmarks.device import SMALL, proofs


@pytest.mark.filterwarnings("ignore")  # those of a foreign library
@pytest.mark.slow
def test_every_path_of_a_device_gives_the_answers_of_the_cpu_and_a_subject_too_large_costs_nobody_else() -> None:
    found = list(proofs(torch.device("cpu"), SMALL))
    assert [proof.line for proof in found if not proof.holds] == []
    assert len(found) >= 7
