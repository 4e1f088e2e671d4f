"""Statistics over a set of probes, and what they are called."""

import torch
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.readout import Readout, moment_name

CONFIG = SandwichConfig(probes=8)


def test_the_order_of_probes_does_not_matter() -> None:
    readout = Readout(CONFIG).eval()
    random = torch.Generator().manual_seed(0)
    channels = torch.randn(2, 1, 1 + len(CONFIG.placements), CONFIG.probes, len(ANSWER_CHANNELS), generator=random)
    noise = draw_noise(CONFIG, 1, random)
    order = torch.randperm(CONFIG.probes, generator=random)
    one, other = readout(channels, noise), readout(channels[:, :, :, order], noise[:, order])
    torch.testing.assert_close(one.label, other.label)


def test_a_moment_has_a_name_that_says_what_it_measures() -> None:
    count = len(ANSWER_CHANNELS) * 2 * (1 + len(CONFIG.placements))
    names = [moment_name(CONFIG, index) for index in range(count)]
    assert len(set(names)) == count
    assert names[0] == "the mean, over probes at their usual places, of the gap between its first and second answer"
    assert names[-1] == (
        "the spread, over probes spread to 2T, of the distance between its mean probabilities there and at the usual "
        "places"
    )
