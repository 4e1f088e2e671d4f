"""Statistics over a set of probes, and what they are called."""

import torch
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS, CHANNELS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.readout import Readout, moment_name
from torch import Tensor

CONFIG = SandwichConfig(probes=8, edits=2)


def test_the_order_of_probes_does_not_matter() -> None:
    readout = Readout(CONFIG).eval()
    random = torch.Generator().manual_seed(0)
    channels = torch.randn(2, 1, CONFIG.variants, CONFIG.probes, len(CHANNELS), generator=random)
    order = torch.randperm(CONFIG.probes, generator=random)
    one, other = readout(channels), readout(channels[:, :, :, order])
    torch.testing.assert_close(one.label, other.label)


def test_the_heads_read_ranks_among_the_training_subjects_and_nothing_lies_beyond_these() -> None:
    readout = Readout(CONFIG)
    random = torch.Generator().manual_seed(0)
    channels = torch.randn(80, 2, CONFIG.variants, CONFIG.probes, len(CHANNELS), generator=random).exp()
    readout.standardize_on(channels)
    known, beyond = (readout.prepare(some).statistics for some in (channels, 1e3 * channels))
    assert known.mean(dim=(0, 1)).abs().max() < 0.15
    assert (known.flatten(0, 1).std(dim=0) - 1).abs().max() < 0.15
    assert beyond.abs().max() <= known.abs().max() < 2


def test_last_digits_do_not_decide_where_subjects_are_alike() -> None:
    """Answers that no placement turns differ from one run to the next by rounding alone."""
    readout = Readout(CONFIG)
    random = torch.Generator().manual_seed(0)
    usual = torch.randn(40, 1, 1, CONFIG.probes, len(CHANNELS), generator=random)
    channels = usual.repeat(1, 1, CONFIG.variants, 1, 1)
    noisy = channels + 1e-6 * torch.randn(channels.shape, generator=random)
    readout.standardize_on(noisy)
    one, other = (readout.prepare(some).statistics for some in (channels, noisy))
    torch.testing.assert_close(one, other, atol=0.1, rtol=0)


def test_a_moment_has_a_name_that_says_what_it_measures() -> None:
    count = len(ANSWER_CHANNELS) * 2 * (CONFIG.variants)
    names = [moment_name(CONFIG, index) for index in range(count)]
    assert len(set(names)) == count
    before_edits = count - 2 * len(ANSWER_CHANNELS) * CONFIG.edits - 1
    assert names[0] == "the mean, over probes at their usual places, of the gap between its first and second answer"
    assert names[before_edits] == (
        "the spread, over probes spread to 2T, of the distance between its mean probabilities there and at the usual "
        "places"
    )
    assert names[-1].startswith("the spread, over probes with a symbol of part 2 of 2 exchanged, of")


def _probes_of_lengths(lengths: Tensor, rise: float) -> Tensor:
    """A subject whose margins rise so much with a probe's length, in every variant."""
    channels = torch.randn(
        1, 1, CONFIG.variants, len(lengths), len(CHANNELS), generator=torch.Generator().manual_seed(1)
    )
    channels[..., ANSWER_CHANNELS.index("margin")] = rise * lengths
    channels[..., CHANNELS.index("length")] = lengths
    return channels


def test_how_answers_rise_with_the_length_of_the_probes_is_read() -> None:
    lengths = torch.linspace(0.5, 1, CONFIG.probes)
    falling, rising, longer = (
        _statistics(_probes_of_lengths(at, rise)) for at, rise in ((lengths, -2.0), (lengths, 2.0), (lengths + 7, 2.0))
    )
    told = ((rising - falling) - 4).abs() < 1e-2
    assert told.sum() == CONFIG.variants
    torch.testing.assert_close(longer[told], rising[told], atol=1e-2, rtol=0)


def test_probes_of_one_length_rise_with_nothing() -> None:
    lengths = torch.full((CONFIG.probes,), 0.75)
    assert _statistics(_probes_of_lengths(lengths, 2.0)).isfinite().all()


def _statistics(channels: Tensor) -> Tensor:
    """Of one subject, as they are before they are ranked."""
    statistics, _ = Readout(CONFIG)._statistics(channels)
    return statistics[0, 0]


def test_statistics_that_are_large_and_the_same_of_all_subjects_have_ranks() -> None:
    channels = torch.ones(8, 1, CONFIG.variants, CONFIG.probes, len(CHANNELS))
    channels[:, :, 1:] = -1e4
    readout = Readout(CONFIG)
    readout.standardize_on(channels)
    assert readout.prepare(channels).statistics.isfinite().all()
