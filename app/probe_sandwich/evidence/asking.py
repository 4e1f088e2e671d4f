"""What the probes ask, and which of the answers the readout uses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from probe_sandwich.evidence.metrics import auc
from probe_sandwich.evidence.zoo import Zoo
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.cohorts import Cohort, among
from probe_sandwich.sandwich.kept import Kept, keep
from probe_sandwich.sandwich.meta_classifier import Member, MetaClassifier, judging_noise, score
from probe_sandwich.sandwich.readout import CHANNELS
from probe_sandwich.tasks.logic.solver import MalformedFormula, satisfiable
from probe_sandwich.tasks.logic.vocabulary import AND, NOT

USUAL = "usual places"
_CHANNELS_OF = {
    "answer at the end": ("gap", "margin", "answer"),
    "first layer's lens": ("first lens",),
    "middle layer's lens": ("middle lens",),
    "last layer's lens": ("last lens",),
    "sizes of the streams": ("first log", "middle log", "last log"),
}
"""How the names of channels begin, by kind of response."""
_SEED, _SENSITIVE_SUBJECTS = 19, 32
_ANSWER = CHANNELS.index("answer")


@dataclass(frozen=True)
class Probe:
    """One probe of the first member, as text; whether it is satisfiable (None where it is no formula); how many symbols
    apart its nearest contradiction stands; and at each placement the AUC of what the subjects say to it."""

    text: str
    satisfiable: bool | None
    clash_distance: int | None
    decisiveness: dict[str, float]

    @property
    def most(self) -> tuple[float, str]:
        """The placement at which it tells most, after how much that is."""
        return max((value, placement) for placement, value in self.decisiveness.items())


@dataclass(frozen=True)
class Asking:
    """The first member's probes with their distributions `(probes, length, symbols)`; AUC lost when subjects exchange
    their responses at one placement, or of one kind; and how much the score depends on the symbol at each position."""

    probes: list[Probe]
    symbols: Tensor
    placement_losses: dict[str, float]
    response_losses: dict[str, float]
    sensitivity: list[float]

    @property
    def far_contradictions(self) -> float | None:
        """Spearman correlation, over the unsatisfiable probes, of the contradiction's width and how much they tell."""
        pairs = [(probe.clash_distance, probe.most[0]) for probe in self.probes if probe.clash_distance]
        return float(spearmanr(*zip(*pairs, strict=True)).statistic) if len(pairs) > 2 else None


def look_at(meta: MetaClassifier, zoo: Zoo, cohorts: Sequence[Cohort], judged: NDArray[np.bool_]) -> Asking:
    """Look at the probes of the members, and at what their readouts make of the subjects that they have not seen."""
    places = [USUAL, *(placement.name for placement in meta.card.sandwich.placements)]
    noise = judging_noise(meta.card.sandwich, len(meta.members), DRAWS)
    unseen = [
        _respond(member, among(cohorts, set(fold.test.tolist())), own)
        for member, fold, own in zip(meta.members, zoo.folds(meta.card.training), noise, strict=True)
    ]
    order = torch.Generator().manual_seed(_SEED)

    def area(change: Callable[[Kept], Kept]) -> float:
        probability = np.zeros(len(zoo.rows))
        for member, kept, own in zip(meta.members, unseen, noise, strict=True):
            with torch.inference_mode():
                scores = score(member.sandwich.readout.cpu()(change(kept).channels, own))
            probability[kept.numbers.numpy()] = member.calibration.probability(scores)
        return auc(probability[judged], zoo.labels[judged]) or 0.5

    whole = area(lambda kept: kept)
    placement_losses = {name: whole - area(_exchange(order, placement=n)) for n, name in enumerate(places)}
    channels = {
        kind: [n for n, name in enumerate(CHANNELS) if name.startswith(beginnings)]
        for kind, beginnings in _CHANNELS_OF.items()
    }
    response_losses = {kind: whole - area(_exchange(order, channels=which)) for kind, which in channels.items()}
    texts, symbols = meta.probes(meta.card.sandwich.probes)
    told = _decisiveness(meta, zoo, cohorts, judged)
    probes = [
        Probe(text, _is_satisfiable(text), clash_distance(text), dict(zip(places, told[:, n].tolist(), strict=True)))
        for n, text in enumerate(texts)
    ]
    return Asking(probes, symbols, placement_losses, response_losses, _sensitivity(meta.members[0], cohorts, noise[0]))


def clash_distance(text: str) -> int | None:
    """Symbols between the nearest two literals that contradict each other; None where none do, or where the text is no
    conjunction of literals."""
    literals: list[tuple[str, bool, int]] = []
    place = 0
    for literal in text.split(AND):
        variable, negated = literal.removeprefix(NOT), literal.startswith(NOT)
        if len(variable) != 1 or not variable.isalpha():
            return None
        literals.append((variable, negated, place + negated))
        place += len(literal) + 1
    found = [
        later[2] - earlier[2]
        for n, earlier in enumerate(literals)
        for later in literals[n + 1 :]
        if earlier[0] == later[0] and earlier[1] != later[1]
    ]
    return min(found, default=None)


def _respond(member: Member, cohorts: Sequence[Cohort], noise: Tensor) -> Kept:
    with torch.inference_mode():
        symbols = member.sandwich.generator(noise.to(next(member.sandwich.parameters()).device))
    return keep(member.sandwich, cohorts, symbols)


def _exchange(
    order: torch.Generator, placement: int | None = None, channels: list[int] | None = None
) -> Callable[[Kept], Kept]:
    """Subjects exchange some of their responses (permutation importance, Breiman 2001)."""

    def change(kept: Kept) -> Kept:
        changed = kept.channels.clone()
        other = changed[torch.randperm(len(changed), generator=order)]
        places = slice(None) if placement is None else slice(placement, placement + 1)
        which = list(range(changed.shape[-1])) if channels is None else channels
        changed[:, :, places, :, which] = other[:, :, places, :, which]
        return replace(kept, channels=changed)

    return change


def _decisiveness(
    meta: MetaClassifier, zoo: Zoo, cohorts: Sequence[Cohort], judged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """AUC `(placements, probes)` of how far a subject agrees, at a placement, with its own answer at the usual places;
    there, of how sure it is."""
    member = meta.members[0]
    noise = judging_noise(meta.card.sandwich, 1, 1)[0]
    kept = _respond(member, cohorts, noise)
    answers = kept.channels[:, 0, :, :, _ANSWER].double()
    agreement = answers * answers[:, :1]
    labels = zoo.labels[kept.numbers.numpy()]
    counted = judged[kept.numbers.numpy()]
    values = agreement.numpy()[counted]
    found = np.zeros(values.shape[1:])
    for placement, probe in np.ndindex(found.shape):
        found[placement, probe] = auc(values[:, placement, probe], labels[counted]) or 0.5
    return found


def _sensitivity(member: Member, cohorts: Sequence[Cohort], noise: Tensor) -> list[float]:
    """Mean size of the score's gradient by the symbols at each position, over probes and some subjects, as shares."""
    sandwich = member.sandwich
    device = next(sandwich.parameters()).device
    with torch.no_grad():
        probes = sandwich.generator(noise[:1].to(device))
    total = torch.zeros(sandwich.config.probe_length)
    most = max(1, _SENSITIVE_SUBJECTS // len(cohorts))
    for cohort in cohorts:
        symbols = probes[0].clone().requires_grad_(True)
        subjects = cohort.subjects.select(list(range(min(most, len(cohort.subjects)))))
        channels = sandwich.responses(subjects, symbols).unsqueeze(1)
        evidence = sandwich.readout(channels, noise[:1].to(device))
        (evidence.label + evidence.long_accuracy).sum().backward()
        assert symbols.grad is not None
        total += symbols.grad.norm(dim=-1).sum(dim=0).cpu()
    return [float(value) for value in total / total.sum()]


def _is_satisfiable(text: str) -> bool | None:
    try:
        return satisfiable(text)
    except MalformedFormula:
        return None
