"""A readout fitted on recorded responses."""

import pytest
import torch
from probe_sandwich.sandwich.answers import CHANNELS
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import head_scores
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.training.blind_heads import BlindHeads
from probe_sandwich.sandwich.training.readout_fit import fit_readout
from probe_sandwich.sandwich.training.recorded import Recording

CONFIG = SandwichConfig(probes=8)


@pytest.mark.parametrize(("planted", "low", "high"), [(3.0, 0.95, 1.0), (0.0, 0.3, 0.7)])
def test_a_readout_finds_what_is_planted_in_responses_and_nothing_else(planted: float, low: float, high: float) -> None:
    random = torch.Generator().manual_seed(0)
    labels = (torch.rand(300, generator=random) < 0.5).float()
    channels = torch.randn(300, 3, 1 + len(CONFIG.placements), CONFIG.probes, len(CHANNELS), generator=random)
    channels[:, :, 1, :, 0] += planted * labels.view(-1, 1, 1)
    noise = draw_noise(CONFIG, 3, random)
    groups, numbers = torch.arange(300) // 5, torch.arange(300)
    fitting, judging = (
        Recording(channels[:, draws], noise[draws], labels, 0.8 + 0.15 * labels, groups, numbers)
        for draws in (slice(0, 2), slice(2, 3))
    )
    known, unseen = fitting.select(torch.arange(200)), judging.select(torch.arange(200, 300))
    training = SandwichTraining(readout_epochs=20, readout_rate=3e-3)
    blind = BlindHeads.assign(known.groups, known.groups, CONFIG.heads, seed=0)
    readout = fit_readout(CONFIG, training, known, blind, seed=0)
    with torch.no_grad():
        scores = head_scores(readout(unseen.channels)).mean(axis=0)
    positive, negative = scores[unseen.labels == 1], scores[unseen.labels == 0]
    assert low <= (positive[:, None] > negative).mean() <= high
