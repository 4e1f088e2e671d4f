"""Statistics over a set of probes, and what they are called."""

import torch
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.readout import CHANNELS, Readout, moment_name
from probe_sandwich.sandwich.sandwich import draw_noise

CONFIG = SandwichConfig(probe_length=12, probes=8, generator_hidden=64)


def test_the_order_of_probes_does_not_matter() -> None:
    readout = Readout(CONFIG).eval()
    random = torch.Generator().manual_seed(0)
    channels = torch.randn(2, 1, 1 + len(CONFIG.placements), CONFIG.probes, len(CHANNELS), generator=random)
    noise = draw_noise(CONFIG, 1, random)
    order = torch.randperm(CONFIG.probes, generator=random)
    one, other = readout(channels, noise), readout(channels[:, :, :, order], noise[:, order])
    torch.testing.assert_close(one.label, other.label)


def test_a_moment_has_a_name_that_says_what_it_measures() -> None:
    count = len(CHANNELS) * 2 * (1 + len(CONFIG.placements))
    names = [moment_name(CONFIG, index) for index in range(count)]
    assert len(set(names)) == count
    assert names[0] == "the mean, over probes at their usual places, of the gap between its two logits"
    assert names[-1] == "the spread, over probes spread to 2T, of the log-norm of its last layer's stream"
