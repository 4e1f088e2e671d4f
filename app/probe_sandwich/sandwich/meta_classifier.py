"""The meta-classifier: one prober, an ensemble of readouts with their calibrations and their support, and the card."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.torch import load, save
from torch import Tensor, nn

from probe_sandwich.files import write_atomically
from probe_sandwich.options import DRAWS, NOISE_SEED
from probe_sandwich.sandwich.calibration import DIGITS, Calibration
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import Candidates
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.prediction import Prediction, spread_interval
from probe_sandwich.sandwich.prober import ProbeAnswers, Prober
from probe_sandwich.sandwich.readout import Readout, ReadoutOutput
from probe_sandwich.sandwich.support import Support
from probe_sandwich.subjects.batching import Cancelling, never
from probe_sandwich.subjects.subject import Subjects

WEIGHTS, CARD = "sandwich.safetensors", "card.json"
_SAME = 1e-4
"""Moments that differ by less are the same: sums over other places differ in their last digits."""


class DamagedMetaClassifier(ValueError):
    """A meta-classifier folder whose weights do not match its card."""


class NoMetaClassifier(ValueError):
    """A folder that holds no meta-classifier."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} holds no {CARD}, so it is no meta-classifier; name another folder (PROBE_SANDWICH_MODEL, or "
            "--model), or train one with `probe-sandwich train`"
        )


@dataclass(frozen=True)
class Member:
    """One readout of the ensemble."""

    readout: Readout
    calibration: Calibration
    support: Support


@dataclass(frozen=True)
class MetaClassifier:
    """All members read the same answers, to what the one prober asks."""

    prober: Prober
    members: tuple[Member, ...]
    card: Card

    def predict(
        self,
        subjects: Subjects,
        seed: int = NOISE_SEED,
        draws: int = DRAWS,
    ) -> Prediction:
        """P(generalizer) of every subject of a stack, asked about inputs drawn from their task. The subjects come back
        as they went in."""
        return self.judge(self.ask(subjects, seed, draws))

    def ask(
        self,
        subjects: Subjects,
        seed: int = NOISE_SEED,
        draws: int = DRAWS,
        cancelled: Cancelling = never,
        candidates: Candidates | None = None,
    ) -> ProbeAnswers:
        """What subjects answer to the probes of some noise draws, selected from `candidates`, by default drawn from
        their task. Raises `Cancelled`."""
        noise = draw_noise(self.card.sandwich, draws, torch.Generator().manual_seed(seed))
        with torch.inference_mode():
            return self.prober.ask(subjects, noise, cancelled, candidates)

    def judge(self, answers: ProbeAnswers) -> Prediction:
        """What the members make of the answers."""
        probabilities, by_draw, unlikeness, deviations, moved = [], [], [], [], []
        channels = answers.channels()  # (models, draws, variants, probes, channels)
        for member in self.members:
            output = read_out(member.readout, channels)
            probabilities.append(member.calibration.probability(score(output)))
            by_draw.append(member.calibration.probability(draw_scores(output)))
            moments = output.moments.mean(dim=1).cpu()  # (models, features)
            unlikeness.append(member.support.distance(moments).numpy() / member.support.limit)
            deviations.append(member.support.deviations(moments))
            moved.append(differ_by_placement(moments, self.card.sandwich))
        middle = torch.stack(deviations).median(dim=0).values  # (models, features)
        farthest = middle.abs().argmax(dim=1)
        members = np.stack(probabilities)  # (members, models)
        probability = members.mean(axis=0).round(DIGITS)
        interval = spread_interval(np.stack(by_draw), self.card.student_quantile)
        low, high = (end.round(DIGITS) for end in interval)
        return Prediction(
            probability,
            np.minimum(low, probability),
            np.maximum(high, probability),
            np.median(unlikeness, axis=0),
            members,
            farthest.numpy(),
            middle.gather(1, farthest.unsqueeze(1))[:, 0].double().numpy(),
            torch.stack(moved).any(dim=0).numpy(),
        )

    def to(self, device: torch.device) -> "MetaClassifier":
        """The same, moved to a device."""
        for part in (self.prober, *(member.readout for member in self.members)):
            part.to(device)
        return self


def differ_by_placement(moments: Tensor, config: SandwichConfig) -> Tensor:
    """True where moments `(models, features)` at any placement differ from those at the usual places, `(models,)`."""
    usual, *others = moments.chunk(config.variants, dim=1)
    away = [(other - usual).abs().amax(dim=1) for other in others[: len(config.placements)]]
    return torch.stack([*away, torch.zeros(len(moments))]).amax(dim=0) > _SAME


def read_out(readout: Readout, channels: Tensor) -> ReadoutOutput:
    """What a readout says of channels `(models, draws, variants, probes, channels)`, without gradients; one draw at a
    time, so that memory does not grow."""
    with torch.inference_mode():
        found = [readout(draw) for draw in channels.split(1, dim=1)]
    label, long_accuracy = (
        torch.cat([getattr(one, name) for one in found], dim=2) for name in ("label", "long_accuracy")
    )
    return ReadoutOutput(label, long_accuracy, torch.cat([one.moments for one in found], dim=1))


def head_scores(output: ReadoutOutput) -> NDArray[np.float64]:
    """One number of each head, `(heads, models)`: the label's logit and the long accuracy's together, averaged over the
    draws."""
    return (output.label + output.long_accuracy).mean(dim=2).cpu().double().numpy()


def score(output: ReadoutOutput) -> NDArray[np.float64]:
    """All heads together, `(models,)`."""
    result: NDArray[np.float64] = head_scores(output).mean(axis=0)
    return result


def draw_scores(output: ReadoutOutput) -> NDArray[np.float64]:
    """All heads together, draw by draw, `(draws, models)`."""
    return (output.label + output.long_accuracy).mean(dim=0).T.cpu().double().numpy()


def save_meta_classifier(folder: Path, prober: Prober, members: Sequence[Member], card: Card) -> Card:
    """Write weights and card; returns the card with the weights' hash."""
    tensors = _named("prober.", prober)
    for number, member in enumerate(members):
        tensors |= _named(f"{number}.readout.", member.readout)
        tensors[f"{number}.support.centre"] = member.support.centre
        tensors[f"{number}.support.scale"] = member.support.scale
    content = save(tensors)
    card = card.model_copy(
        update={
            "calibrations": [member.calibration for member in members],
            "support_limits": [member.support.limit for member in members],
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    )
    write_atomically(folder / WEIGHTS, content)
    write_card(folder, card)
    return card


def load_meta_classifier(folder: Path, device: torch.device) -> MetaClassifier:
    """Read a meta-classifier. Raises `NoMetaClassifier`, `DamagedMetaClassifier`."""
    card = load_card(folder)
    try:
        content = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise DamagedMetaClassifier(f"{folder / WEIGHTS} cannot be read; fetch it again: {error}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise DamagedMetaClassifier(f"{folder / WEIGHTS} is not the file that {CARD} describes; fetch both again")
    tensors = load(content)
    prober = Prober(card.sandwich)
    _fill(prober, tensors, "prober.", folder / WEIGHTS)
    members = []
    for number, (calibration, limit) in enumerate(zip(card.calibrations, card.support_limits, strict=True)):
        readout = Readout(card.sandwich)
        _fill(readout, tensors, f"{number}.readout.", folder / WEIGHTS)
        support = Support(tensors[f"{number}.support.centre"], tensors[f"{number}.support.scale"], limit)
        members.append(Member(readout, calibration, support))
    return MetaClassifier(prober, tuple(members), card).to(device)


def _named(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {prefix + name: tensor.cpu().contiguous() for name, tensor in module.state_dict().items()}


def _fill(part: nn.Module, tensors: Mapping[str, Tensor], prefix: str, file: Path) -> None:
    """Give a part its weights, to be used and not trained. Raises `DamagedMetaClassifier`."""
    try:
        part.load_state_dict({name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)})
    except RuntimeError as error:
        raise DamagedMetaClassifier(
            f"{file} was made for another version of the sandwich; train it anew, or fetch the weights that belong to "
            f"this version: {error}"
        ) from error
    part.eval().requires_grad_(False)


def load_card(folder: Path) -> Card:
    """The card alone. Raises `NoMetaClassifier`, `DamagedMetaClassifier`."""
    if not (folder / CARD).is_file():
        raise NoMetaClassifier(folder)
    try:
        return Card.model_validate_json((folder / CARD).read_text())
    except ValidationError as error:
        raise DamagedMetaClassifier(f"{folder / CARD} is not a meta-classifier's card: {error}") from error


def write_card(folder: Path, card: Card) -> None:
    """Write the card beside the weights."""
    write_atomically(folder / CARD, (card.model_dump_json(indent=2) + "\n").encode())
