"""What frozen subjects answer to every candidate of their task, recorded so that any selection can be read from it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from probe_sandwich.sandwich.answers import ANSWER_CHANNELS, answer_channels
from probe_sandwich.sandwich.inputs import Candidates, candidates_of
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.sandwich.selector import Selector
from probe_sandwich.sandwich.training.recorded import Recording
from probe_sandwich.tasks.task import AnyTask
from probe_sandwich.zoo.cohorts import Cohort, in_chunks

_FACTS = ("labels", "long_accuracy", "groups", "numbers")


@dataclass(frozen=True)
class Pool:
    """Logits `(subjects, placements, candidates, classes)` of subjects of one task and T on all candidates, the usual
    placement first, in half precision, with the candidates' lengths in multiples of T, `shares (candidates,)`, and
    `labels`, `long_accuracy`, `groups` and `numbers (subjects,)` as in a `Cohort`."""

    candidates: Candidates
    logits: Tensor
    shares: Tensor
    labels: Tensor
    long_accuracy: Tensor
    groups: Tensor
    numbers: Tensor

    def select(self, rows: Tensor) -> "Pool":
        """Some of the subjects."""
        return replace(self, logits=self.logits[rows], **{name: getattr(self, name)[rows] for name in _FACTS})

    def agreement(self) -> Tensor:
        """Agreement of every answer with that at the usual places, `(subjects, placements - 1, candidates)`."""
        # (subjects, 1, placements, candidates, channels)
        channels = answer_channels(self.logits.float().unsqueeze(1), self.shares.unsqueeze(0))
        return channels[:, 0, 1:, :, ANSWER_CHANNELS.index("agreement")]

    def answers(self, selector: Selector, noise: Tensor) -> Recording:
        """Answers to the candidates that noise `(draws, probes, noise_dim)` selects."""
        with torch.inference_mode():
            chosen = selector.choose(noise, self.candidates)  # (draws, probes)
            logits = self.logits[:, :, chosen].float()  # (subjects, placements, draws, probes, classes)
            channels = answer_channels(logits.transpose(1, 2), self.shares[chosen])
        return Recording(channels, noise, *(getattr(self, name) for name in _FACTS))


def record_pools(prober: Prober, cohorts: Sequence[Cohort]) -> list[Pool]:
    """One pool for each task and T, on the CPU. Each subject runs once for each candidate and placement, however many
    selections are tried on what it said. Raises `NoFormulas`."""
    alike: dict[tuple[AnyTask, int, int], list[Cohort]] = defaultdict(list)
    for cohort in cohorts:
        facts = cohort.subjects.configs[0]
        alike[facts.task, facts.train_max_length, facts.classes].append(cohort)
    return [
        _pool(prober, candidates_of(task, train_max_length), train_max_length, list(in_chunks(some)))
        for (task, train_max_length, _), some in alike.items()
    ]


def among(pools: Sequence[Pool], numbers: Tensor) -> Iterator[Pool]:
    """The pools cut down to the subjects with these numbers."""
    for pool in pools:
        rows = torch.isin(pool.numbers, numbers).nonzero()[:, 0]
        if len(rows):
            yield pool.select(rows)


def _pool(prober: Prober, candidates: Candidates, train_max_length: int, chunks: Sequence[Cohort]) -> Pool:
    with torch.inference_mode():
        logits = [
            prober.placed_logits(
                chunk.subjects,
                candidates.symbols.to(chunk.subjects.device),
                candidates.lengths.to(chunk.subjects.device),
            )
            for chunk in chunks
        ]
    facts = (torch.cat([getattr(chunk, name) for chunk in chunks]) for name in _FACTS)
    shares = candidates.lengths / train_max_length
    return Pool(candidates, torch.cat([part.half().cpu() for part in logits]), shares, *facts)
