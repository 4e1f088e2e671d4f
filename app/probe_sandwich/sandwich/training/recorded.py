"""Responses of frozen subjects, recorded so that readouts can be fitted without running the subjects again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from probe_sandwich.options import NOISE_SEED
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.inputs import bare_candidates, candidates_of
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.zoo.cohorts import Cohort, in_chunks

_FACTS = ("labels", "long_accuracy", "groups", "numbers")


@dataclass(frozen=True)
class Recording:
    """Responses `channels (subjects, draws, variants, probes, channels)` to the probes of `noise (draws, probes,
    noise_dim)`, with `labels`, `long_accuracy`, `groups` and `numbers (subjects,)` as in a `Cohort`."""

    channels: Tensor
    noise: Tensor
    labels: Tensor
    long_accuracy: Tensor
    groups: Tensor
    numbers: Tensor

    def select(self, rows: Tensor) -> "Recording":
        """Some of the subjects."""
        facts = {name: getattr(self, name)[rows] for name in _FACTS}
        return replace(self, channels=self.channels[rows], **facts)


def record_answers(prober: Prober, cohorts: Sequence[Cohort], noise: Tensor, *, bare: bool = False) -> Recording:
    """What subjects of any task answer to the probes that `noise (draws, probes, noise_dim)` selects for each, from
    inputs drawn from the task or, `bare`, from random strings of its alphabet."""

    def answers(cohort: Cohort) -> Tensor:
        facts = cohort.subjects.configs[0]
        candidates = (bare_candidates if bare else candidates_of)(facts.task, facts.train_max_length)
        return prober.ask(cohort.subjects, noise, candidates=candidates).channels().cpu()

    chunks = list(in_chunks(cohorts))
    with torch.inference_mode():
        channels = [answers(chunk) for chunk in chunks]
    return Recording(
        torch.cat(channels), noise.cpu(), *(torch.cat([getattr(chunk, name) for chunk in chunks]) for name in _FACTS)
    )


def fitting_noise(config: SandwichConfig, training: SandwichTraining) -> Tensor:
    """The noise `(draws, probes, noise_dim)` on whose answers a readout is fitted: that of a diagnosis, as a readout
    reads best the very questions that it was fitted on."""
    return draw_noise(config, training.fitting_draws, torch.Generator().manual_seed(NOISE_SEED))


def join_recordings(parts: Sequence[Recording]) -> Recording:
    """All subjects of recordings of the same noise, in the order of their numbers."""
    order = torch.cat([part.numbers for part in parts]).argsort()
    channels, *facts = (torch.cat([getattr(part, name) for part in parts])[order] for name in ("channels", *_FACTS))
    return Recording(channels, parts[0].noise, *facts)
