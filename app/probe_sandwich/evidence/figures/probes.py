"""What the probes are, what each of them tells, and which of the responses the readout uses."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import spearmanr
from torch import Tensor

from probe_sandwich.evidence.experiment.folds import Fold
from probe_sandwich.evidence.experiment.zoo import Zoo
from probe_sandwich.evidence.figures.auc import auc
from probe_sandwich.evidence.figures.contradictions import clash_distance, is_satisfiable
from probe_sandwich.options import DRAWS
from probe_sandwich.sandwich.meta_classifier import Member, MetaClassifier, judging_noise, score
from probe_sandwich.sandwich.readout import CHANNELS
from probe_sandwich.sandwich.training.recorded import Recording, record
from probe_sandwich.zoo.cohorts import Cohort, among

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


class Probe(BaseModel):
    """One probe of the first member, as text; whether it is satisfiable (None where it is no formula); how many symbols
    apart its nearest contradiction stands; and at each placement the AUC of the subjects' agreement on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    satisfiable: bool | None
    clash_distance: int | None
    decisiveness: dict[str, float]

    @property
    def most(self) -> tuple[float, str]:
        """The largest of these AUCs, and its placement."""
        return max((value, placement) for placement, value in self.decisiveness.items())


class ProbeFigures(BaseModel):
    """The first member's probes; AUC lost when subjects exchange their responses at one placement, or of one kind; how
    much the score depends on the symbol at each position, as shares; and, over the unsatisfiable probes, the Spearman
    correlation of the contradiction's width and how much they tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    probes: list[Probe]
    auc_lost_by_placement: dict[str, float]
    auc_lost_by_response: dict[str, float]
    sensitivity_by_position: list[float]
    far_contradictions: float | None


def examine_probes(
    meta: MetaClassifier, zoo: Zoo, folds: Sequence[Fold], cohorts: Sequence[Cohort], judged: NDArray[np.bool_]
) -> ProbeFigures:
    """Look at the probes of the members, and at what their readouts make of the subjects that they have not seen."""
    config = meta.card.sandwich
    places = [USUAL, *(placement.name for placement in config.placements)]
    noise = judging_noise(config, len(meta.members), DRAWS)
    by_placement, by_response = _auc_losses(meta, zoo, folds, cohorts, judged, noise)
    telling = _decisiveness(meta, zoo, cohorts, judged).T.tolist()  # (probes, placements)
    texts, _ = meta.probes(config.probes)
    probes = [
        Probe(
            text=text,
            satisfiable=is_satisfiable(text),
            clash_distance=clash_distance(text),
            decisiveness=dict(zip(places, own, strict=True)),
        )
        for text, own in zip(texts, telling, strict=True)
    ]
    return ProbeFigures(
        probes=probes,
        auc_lost_by_placement=dict(zip(places, by_placement, strict=True)),
        auc_lost_by_response=by_response,
        sensitivity_by_position=_sensitivity(meta.members[0], cohorts, noise[0]),
        far_contradictions=_far_contradictions(probes),
    )


def _far_contradictions(probes: Sequence[Probe]) -> float | None:
    pairs = [(probe.clash_distance, probe.most[0]) for probe in probes if probe.clash_distance]
    return float(spearmanr(*zip(*pairs, strict=True)).statistic) if len(pairs) > 2 else None


def _auc_losses(
    meta: MetaClassifier,
    zoo: Zoo,
    folds: Sequence[Fold],
    cohorts: Sequence[Cohort],
    judged: NDArray[np.bool_],
    noise: Tensor,
) -> tuple[list[float], dict[str, float]]:
    """AUC out of fold that is lost when subjects exchange responses: at each placement, usual places first, and of each
    kind."""
    unseen = [
        _respond(member, among(cohorts, set(fold.test.tolist())), own)
        for member, fold, own in zip(meta.members, folds, noise, strict=True)
    ]
    order = torch.Generator().manual_seed(_SEED)

    def area(change: Callable[[Recording], Recording]) -> float:
        probability = np.zeros(len(zoo.rows))
        for member, recording in zip(meta.members, unseen, strict=True):
            with torch.inference_mode():
                scores = score(member.sandwich.readout.cpu()(change(recording).channels, recording.noise))
            probability[recording.numbers.numpy()] = member.calibration.probability(scores)
        return auc(probability[judged], zoo.labels[judged]) or 0.5

    whole = area(lambda recording: recording)
    placements = range(1 + len(meta.card.sandwich.placements))
    by_placement = [whole - area(_exchange(order, placement=number)) for number in placements]
    channels = {
        kind: [n for n, name in enumerate(CHANNELS) if name.startswith(beginnings)]
        for kind, beginnings in _CHANNELS_OF.items()
    }
    return by_placement, {kind: whole - area(_exchange(order, channels=own)) for kind, own in channels.items()}


def _respond(member: Member, cohorts: Sequence[Cohort], noise: Tensor) -> Recording:
    with torch.inference_mode():
        symbols = member.of_formulas.generator(noise.to(next(member.sandwich.parameters()).device))
    return record(member.of_formulas, cohorts, symbols, noise)


def _exchange(
    order: torch.Generator, placement: int | None = None, channels: list[int] | None = None
) -> Callable[[Recording], Recording]:
    """Subjects exchange some of their responses (permutation importance, Breiman 2001)."""

    def change(recording: Recording) -> Recording:
        changed = recording.channels.clone()
        other = changed[torch.randperm(len(changed), generator=order)]
        places = slice(None) if placement is None else slice(placement, placement + 1)
        which = list(range(changed.shape[-1])) if channels is None else channels
        changed[:, :, places, :, which] = other[:, :, places, :, which]
        return replace(recording, channels=changed)

    return change


def _decisiveness(
    meta: MetaClassifier, zoo: Zoo, cohorts: Sequence[Cohort], judged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """AUC `(placements, probes)` of how far a subject agrees, at a placement, with its own answer at the usual places;
    there, of how sure it is."""
    recording = _respond(meta.members[0], cohorts, judging_noise(meta.card.sandwich, 1, 1)[0])
    answers = recording.channels[:, 0, :, :, _ANSWER].double()  # (subjects, placements, probes)
    agreement = answers * answers[:, :1]
    labels = zoo.labels[recording.numbers.numpy()]
    counted = judged[recording.numbers.numpy()]
    values = agreement.numpy()[counted]
    found = np.zeros(values.shape[1:])
    for placement, probe in np.ndindex(found.shape):
        found[placement, probe] = auc(values[:, placement, probe], labels[counted]) or 0.5
    return found


def _sensitivity(member: Member, cohorts: Sequence[Cohort], noise: Tensor) -> list[float]:
    """Mean size of the score's gradient by the symbols at each position, over probes and some subjects, as shares."""
    sandwich = member.of_formulas
    device = next(sandwich.parameters()).device
    with torch.no_grad():
        probes = sandwich.generator(noise[:1].to(device))
    total = torch.zeros(sandwich.config.probe_length)
    most = max(1, _SENSITIVE_SUBJECTS // len(cohorts))
    for cohort in cohorts:
        symbols = probes[0].clone().requires_grad_(True)  # (probes, length, symbols)
        subjects = cohort.subjects.select(list(range(min(most, len(cohort.subjects)))))
        channels = sandwich.responses(subjects, symbols).unsqueeze(1)  # (models, 1, placements, probes, channels)
        output = sandwich.readout(channels, noise[:1].to(device))
        (output.label + output.long_accuracy).sum().backward()
        assert symbols.grad is not None
        total += symbols.grad.norm(dim=-1).sum(dim=0).cpu()
    return [float(value) for value in total / total.sum()]
