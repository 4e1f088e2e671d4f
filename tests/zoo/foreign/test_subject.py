"""A foreign subject made of its config."""

import torch
from probe_sandwich.subjects.config import Placing
from probe_sandwich.zoo.foreign.subject import build_module, subject_of

from tests.zoo.foreign.plans import plan


def test_weights_depend_on_the_seed_alone_and_torchs_generator_is_left_as_it_was() -> None:
    config = plan().config
    state = torch.get_rng_state()
    one, again, other = (build_module(config, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["embedding.weight"], other["embedding.weight"])
    assert torch.equal(torch.get_rng_state(), state)


def test_a_plain_one_is_met_as_by_those_who_are_sent_it() -> None:
    config = plan().config
    subject = subject_of(config, build_module(config, 1))
    (facts,) = subject.configs
    assert (facts.task, facts.train_max_length) == (config.task, config.train_max_length)
    assert facts.placing is Placing.BY_POSITION
