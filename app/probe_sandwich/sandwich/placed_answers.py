"""What a verdict rests on, to be looked at: the answers to the same probes at all of their placements."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probe_sandwich.answer import KeptCurve, Placed, PlacedAnswer, ProbeReading, ZooCurves
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.prober import ProbeAnswers

_USUAL = Placed(kind="usual", reach=1)
_DIGITS = 4
LEAST_OF_A_LABEL = 10
"""Subjects of one label, from which on their mean stands for a task."""
_QUARTILES = (0.25, 0.5, 0.75)


def placements_of(config: SandwichConfig) -> list[Placed]:
    """Where a sandwich places its probes, the usual places first."""
    return [_USUAL, *(Placed(kind=place.kind, reach=place.reach) for place in config.placements)]


@dataclass(frozen=True)
class PlacedAnswers:
    """The `probes` of one noise draw, the `places (placements, probes, length)` of their symbols, and each subject's
    `probabilities (models, placements, probes, classes)`."""

    placements: list[Placed]
    probes: list[list[str]]
    places: Tensor
    probabilities: Tensor

    @staticmethod
    def of(answers: ProbeAnswers, config: SandwichConfig, alphabet: Sequence[str]) -> "PlacedAnswers":
        """The first draw of the answers to a prober of this config."""
        draw = answers.probes[0]  # (probes,)
        return PlacedAnswers(
            placements_of(config),
            [answers.candidates.text(index, alphabet) for index in answers.chosen[draw].tolist()],
            answers.places[:, draw, 1:].cpu(),
            answers.logits[:, :, draw].softmax(dim=-1).cpu(),
        )

    def shares(self, model: int) -> list[float]:
        """Share of the probes to which a subject gives the same answer as at the usual places, by placement."""
        answers = self.probabilities[model].argmax(dim=-1)  # (placements, probes)
        return _rounded((answers == answers[:1]).float().mean(dim=1))

    def commonest(self, model: int) -> float:
        """Share of the probes that get a subject's commonest answer at the usual places."""
        answers = self.probabilities[model, 0].argmax(dim=-1)  # (probes,)
        return float(answers.bincount().max() / len(answers))

    def most_moved(self, model: int, count: int) -> list[ProbeReading]:
        """The different probes whose answers move most with their places, the one that moves most first."""
        own = self.probabilities[model]  # (placements, probes, classes)
        moved = (own - own[:1]).abs().sum(dim=-1).mean(dim=0)  # (probes,)
        different: dict[tuple[str, ...], int] = {}
        for number in moved.argsort(descending=True, stable=True).tolist():
            different.setdefault(tuple(self.probes[number]), number)
        return [self._reading(model, number) for number in list(different.values())[:count]]

    def _reading(self, model: int, number: int) -> ProbeReading:
        symbols = self.probes[number]
        confidences, answers = self.probabilities[model, :, number].max(dim=-1)  # (placements,)
        rows = zip(
            self.placements,
            self.places[:, number, : len(symbols)].tolist(),
            answers.tolist(),
            _rounded(confidences),
            strict=True,
        )
        return ProbeReading(
            symbols=symbols,
            answers=[
                PlacedAnswer(placed=placed, places=places, answer=answer, confidence=confidence)
                for placed, places, answer, confidence in rows
            ],
        )


def zoo_curves(channels: Tensor, labels: Sequence[bool]) -> ZooCurves | None:
    """How many answers the subjects of either label keep, from channels `(models, draws, placements, probes,
    channels)`, without those to edits; None where a label has no subject."""
    support = channels[..., ANSWER_CHANNELS.index("support")]
    shares = (support >= 0).float().mean(dim=(1, 3))  # (models, placements)
    chosen = torch.tensor(labels, dtype=torch.bool)
    if chosen.all() or not chosen.any():
        return None
    return ZooCurves(generalizers=_curve(shares[chosen]), others=_curve(shares[~chosen]))


def zoo_curves_by_task(channels: Tensor, labels: Sequence[bool], tasks: Sequence[str]) -> dict[str, ZooCurves]:
    """The same of each task that has at least `LEAST_OF_A_LABEL` subjects of either label."""
    found = {}
    for task in sorted(set(tasks)):
        own = [number for number, name in enumerate(tasks) if name == task]
        generalizers = sum(labels[number] for number in own)
        if min(generalizers, len(own) - generalizers) < LEAST_OF_A_LABEL:
            continue
        curves = zoo_curves(channels[own], [labels[number] for number in own])
        assert curves is not None
        found[task] = curves
    return found


def _curve(shares: Tensor) -> KeptCurve:
    low, median, high = shares.quantile(torch.tensor(_QUARTILES), dim=0)
    return KeptCurve(
        subjects=len(shares),
        mean=_rounded(shares.mean(dim=0)),
        median=_rounded(median),
        low=_rounded(low),
        high=_rounded(high),
    )


def _rounded(values: Tensor) -> list[float]:
    return [round(value, _DIGITS) for value in values.tolist()]
