"""The meta-classifier: an ensemble of sandwiches with their calibrations, their support and their card."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.torch import load, save
from torch import Tensor

from probe_sandwich.files import write_atomically
from probe_sandwich.options import DRAWS, NOISE_SEED
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import Candidates
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.placed_answers import PlacedAnswers, place_and_ask
from probe_sandwich.sandwich.prediction import Prediction, spread_interval
from probe_sandwich.sandwich.readout import ReadoutOutput
from probe_sandwich.sandwich.support import Support
from probe_sandwich.sandwich.universal import UniversalSandwich
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
    """One sandwich of the ensemble."""

    sandwich: UniversalSandwich
    calibration: Calibration
    support: Support


@dataclass(frozen=True)
class MetaClassifier:
    """Members and card."""

    members: tuple[Member, ...]
    card: Card

    def predict(
        self,
        subjects: Subjects,
        seed: int = NOISE_SEED,
        draws: int = DRAWS,
        cancelled: Cancelling = never,
        candidates: Candidates | None = None,
    ) -> Prediction:
        """P(generalizer) of every subject of a stack. The subjects come back as they went in. They are asked about
        `candidates`, by default drawn from their task. Raises `Cancelled`."""
        probabilities, unlikeness, deviations, moved = [], [], [], []
        noises = judging_noise(self.card.sandwich, len(self.members), draws, seed)
        for member, noise in zip(self.members, noises, strict=True):
            output = read_out(member.sandwich, subjects, noise, cancelled, candidates)
            probabilities.append(member.calibration.probability(score(output)))
            moments = output.moments.mean(dim=1).cpu()  # (models, features)
            unlikeness.append(member.support.distance(moments).numpy() / member.support.limit)
            deviations.append(member.support.deviations(moments))
            moved.append(differ_by_placement(moments, 1 + len(self.card.sandwich.placements)))
        middle = torch.stack(deviations).median(dim=0).values  # (models, features)
        farthest = middle.abs().argmax(dim=1)
        members = np.stack(probabilities)  # (members, models)
        probability = members.mean(axis=0)
        low, high = spread_interval(members, self.card.student_quantile)
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

    def placed_answers(
        self,
        subjects: Subjects,
        seed: int = NOISE_SEED,
        cancelled: Cancelling = never,
        candidates: Candidates | None = None,
    ) -> PlacedAnswers:
        """What subjects answer to the first member's first draw. Raises `Cancelled`."""
        sandwich = self.members[0].sandwich
        noise = draw_noise(sandwich.config, 1, torch.Generator().manual_seed(seed))[0].to(subjects.device)
        return place_and_ask(sandwich, subjects, noise, cancelled, candidates)

    def to(self, device: torch.device) -> "MetaClassifier":
        """The same, its sandwiches moved to a device."""
        for member in self.members:
            member.sandwich.to(device)
        return self


def differ_by_placement(moments: Tensor, placements: int) -> Tensor:
    """True where moments `(models, features)` at any placement differ from those at the usual places, `(models,)`."""
    usual, *others = moments.chunk(placements, dim=1)
    away = [(other - usual).abs().amax(dim=1) for other in others]
    return torch.stack([*away, torch.zeros(len(moments))]).amax(dim=0) > _SAME


def judging_noise(config: SandwichConfig, members: int, draws: int, seed: int = NOISE_SEED) -> Tensor:
    """The noise of a diagnosis, `(members, draws, probes, noise_dim)`: each member reads its own draws."""
    noise = draw_noise(config, members * draws, torch.Generator().manual_seed(seed))
    return noise.view(members, draws, *noise.shape[1:])


def read_out(
    sandwich: UniversalSandwich,
    subjects: Subjects,
    noise: Tensor,
    cancelled: Cancelling = never,
    candidates: Candidates | None = None,
) -> ReadoutOutput:
    """What a sandwich says from noise `(draws, probes, noise_dim)`, without gradients; one draw at a time, so that
    memory does not grow. Raises `Cancelled`."""
    draws = noise.to(subjects.device).split(1)
    with torch.inference_mode():
        found: list[ReadoutOutput] = [sandwich.eval()(subjects, draw, cancelled, candidates) for draw in draws]
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


def save_meta_classifier(folder: Path, members: Sequence[Member], card: Card) -> Card:
    """Write weights and card; returns the card with the weights' hash."""
    tensors: dict[str, Tensor] = {}
    for number, member in enumerate(members):
        for name, tensor in member.sandwich.state_dict().items():
            tensors[f"{number}.sandwich.{name}"] = tensor.cpu().contiguous()
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
    members = []
    for number, (calibration, limit) in enumerate(zip(card.calibrations, card.support_limits, strict=True)):
        prefix = f"{number}.sandwich."
        sandwich = UniversalSandwich(card.sandwich)
        state = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
        try:
            sandwich.load_state_dict(state)
        except RuntimeError as error:
            raise DamagedMetaClassifier(
                f"{folder / WEIGHTS} was made for another version of the sandwich; train it anew, or fetch the weights "
                f"that belong to this version: {error}"
            ) from error
        sandwich.eval().requires_grad_(False)
        support = Support(tensors[f"{number}.support.centre"], tensors[f"{number}.support.scale"], limit)
        members.append(Member(sandwich, calibration, support))
    return MetaClassifier(tuple(members), card).to(device)


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
