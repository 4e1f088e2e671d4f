"""All members of an ensemble read a subject at once."""

import pytest
import torch
from probe_sandwich.sandwich.config import Reading, SandwichConfig
from probe_sandwich.sandwich.meta_classifier import judging_noise, read_out
from probe_sandwich.sandwich.placements import Kind, Placement
from probe_sandwich.sandwich.sandwich import frozen_hash
from probe_sandwich.sandwich.together import read_together
from probe_sandwich.sandwich.universal import UniversalSandwich, candidates_of
from torch import Tensor

from tests.conftest import StackFactory

# A shift has no random places: what is asked once must give what is asked again and again.
CONFIG = SandwichConfig(
    reading=Reading.ANSWERS,
    noise_dim=16,
    probes=8,
    readout_sees_noise=False,
    placements=(Placement(kind=Kind.SHIFTED, reach=2),),
)


@pytest.fixture(scope="module")
def members() -> list[UniversalSandwich]:
    torch.manual_seed(0)
    return [UniversalSandwich(CONFIG).eval() for _ in range(4)]


def test_each_member_says_what_it_says_alone(members: list[UniversalSandwich], tiny_stack: StackFactory) -> None:
    stack = tiny_stack({"scheme": "alibi"}, {"scheme": "learned"})
    before = frozen_hash(stack)
    noise = judging_noise(CONFIG, len(members), 2)
    together = read_together(members, stack, noise)
    alone = [read_out(member, stack, own) for member, own in zip(members, noise, strict=True)]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one.label, other.label, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(one.moments, other.moments, atol=1e-4, rtol=1e-4)
    assert frozen_hash(stack) == before


def test_no_candidate_is_asked_twice(
    members: list[UniversalSandwich], tiny_stack: StackFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, asked = tiny_stack({}), []
    ask = UniversalSandwich.placed_logits

    def counting(sandwich: UniversalSandwich, subjects: object, symbols: Tensor, *rest: object) -> Tensor:
        asked.append(symbols)
        return ask(sandwich, subjects, symbols, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(UniversalSandwich, "placed_logits", counting)
    read_together(members, stack, judging_noise(CONFIG, len(members), 20))
    (symbols,) = asked
    candidates = candidates_of(stack.configs[0].task, stack.configs[0].train_max_length)
    assert len(symbols) <= len(candidates.lengths) < len(members) * 20 * CONFIG.probes
