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

from app.formulas.vocabulary import FORMULA_SYMBOLS
from app.sandwich.calibration import Calibration
from app.sandwich.card import Card
from app.sandwich.readout import CHANNELS, Evidence
from app.sandwich.sandwich import Sandwich, draw_noise
from app.sandwich.support import Support
from app.subjects.subject import Subjects
from app.zoo.shards import write_atomically

WEIGHTS, CARD = "sandwich.safetensors", "card.json"
INTERVAL = (0.05, 0.95)
DRAWS, NOISE_SEED = 2, 0


class DamagedMetaClassifier(ValueError):
    """A meta-classifier folder whose weights do not match its card."""


@dataclass(frozen=True)
class Member:
    """One sandwich of the ensemble."""

    sandwich: Sandwich
    calibration: Calibration
    support: Support


@dataclass(frozen=True)
class Prediction:
    """What the ensemble says of each subject, arrays `(models,)`.

    `low` and `high` are the 5 % and 95 % quantiles over members and noise draws; `unlikeness` is the distance
    from the zoo in units of the limit, so that over 1 is outside.
    """

    probability: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    unlikeness: NDArray[np.float64]


@dataclass(frozen=True)
class MetaClassifier:
    """Members and card."""

    members: tuple[Member, ...]
    card: Card

    def predict(self, subjects: Subjects, seed: int = NOISE_SEED, draws: int = DRAWS) -> Prediction:
        """P(generalizer) of every subject of a stack. The subjects come back as they went in."""
        probabilities, spread, unlikeness = [], [], []
        for member in self.members:
            evidence = gather_evidence(member.sandwich, subjects, seed, draws)
            scores = score(evidence)
            probabilities.append(member.calibration.probability(scores.mean(axis=1)))
            spread.append(member.calibration.probability(scores))
            distance = member.support.distance(evidence.moments.mean(dim=1).cpu())
            unlikeness.append(distance.numpy() / member.support.limit)
        every = np.concatenate(spread, axis=1)  # (models, members * draws)
        low, high = np.quantile(every, INTERVAL, axis=1)
        probability = np.mean(probabilities, axis=0)
        return Prediction(
            probability,
            np.minimum(low, probability),
            np.maximum(high, probability),
            np.median(unlikeness, axis=0),
        )

    def probes(self, count: int, seed: int = NOISE_SEED) -> tuple[list[str], Tensor]:
        """The first probes of the first member: as text, and as distributions `(probes, length, symbols)`."""
        sandwich = self.members[0].sandwich
        device = next(sandwich.parameters()).device
        noise = draw_noise(sandwich.config, 1, torch.Generator().manual_seed(seed))[0, :count]
        with torch.inference_mode():
            scores = sandwich.generator.scores(noise.to(device)).cpu()
        symbols = (scores / sandwich.config.temperature).softmax(dim=-1)
        return _texts(symbols), symbols

    def read_probes(self, subjects: Subjects, seed: int = NOISE_SEED) -> tuple[list[str], Tensor]:
        """The first member's first draw as text, and each subject's margins `(models, probes)` on it: the logit of
        satisfiable less that of unsatisfiable."""
        sandwich = self.members[0].sandwich
        noise = draw_noise(sandwich.config, 1, torch.Generator().manual_seed(seed))[0].to(subjects.device)
        with torch.inference_mode():
            symbols = sandwich.generator(noise)
            margins = sandwich.responses(subjects, symbols)[:, 0, :, CHANNELS.index("gap")]
        return _texts(symbols), margins.cpu()

    def to(self, device: torch.device) -> "MetaClassifier":
        """The same, its sandwiches moved to a device."""
        for member in self.members:
            member.sandwich.to(device)
        return self


def _texts(symbols: Tensor) -> list[str]:
    """The likeliest symbol at each position of distributions `(probes, length, symbols)`."""
    return ["".join(FORMULA_SYMBOLS[index] for index in row) for row in symbols.argmax(dim=-1).tolist()]


def gather_evidence(sandwich: Sandwich, subjects: Subjects, seed: int, draws: int) -> Evidence:
    """Evidence from fixed-seed noise draws, without gradients; one draw at a time, so that memory does not grow."""
    noise = draw_noise(sandwich.config, draws, torch.Generator().manual_seed(seed)).to(subjects.device)
    with torch.inference_mode():
        found: list[Evidence] = [sandwich.eval()(subjects, draw) for draw in noise.split(1)]
    parts = ((one.label, one.long_accuracy, one.moments) for one in found)
    label, long_accuracy, moments = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
    return Evidence(label, long_accuracy, moments)


def score(evidence: Evidence) -> NDArray[np.float64]:
    """One number a draw, `(models, draws)`: the label's logit and the long accuracy's together."""
    return (evidence.label + evidence.long_accuracy).cpu().double().numpy()


def save_meta_classifier(folder: Path, members: Sequence[Member], card: Card) -> Card:
    """Write weights and card; returns the card with the weights' hash."""
    tensors: dict[str, Tensor] = {}
    for number, member in enumerate(members):
        for name, tensor in member.sandwich.state_dict().items():
            tensors[f"{number}.sandwich.{name}"] = tensor.cpu().contiguous()
        tensors[f"{number}.support.centre"] = member.support.centre
        tensors[f"{number}.support.whitening"] = member.support.whitening.contiguous()
    content = save(tensors)
    card = card.model_copy(
        update={
            "calibrations": [member.calibration for member in members],
            "support_limits": [member.support.limit for member in members],
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    )
    write_atomically(folder / WEIGHTS, content)
    write_atomically(folder / CARD, (card.model_dump_json(indent=2) + "\n").encode())
    return card


def load_meta_classifier(folder: Path, device: torch.device) -> MetaClassifier:
    """Read a meta-classifier. Raises `DamagedMetaClassifier`."""
    try:
        card = Card.model_validate_json((folder / CARD).read_text())
    except ValidationError as error:
        raise DamagedMetaClassifier(f"{folder / CARD} is not a meta-classifier's card: {error}") from error
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
        sandwich = Sandwich(card.sandwich)
        state = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
        try:
            sandwich.load_state_dict(state)
        except RuntimeError as error:
            raise DamagedMetaClassifier(
                f"{folder / WEIGHTS} was made for another version of the sandwich; train it anew, or fetch the weights "
                f"that belong to this version: {error}"
            ) from error
        sandwich.eval().requires_grad_(False)
        support = Support(tensors[f"{number}.support.centre"], tensors[f"{number}.support.whitening"], limit)
        members.append(Member(sandwich, calibration, support))
    return MetaClassifier(tuple(members), card).to(device)
