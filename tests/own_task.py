"""A task of the user's own: an untrained subject of it, inputs beside it, and a meta-classifier for any task."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from probe_sandwich.answer import Definition
from probe_sandwich.sandwich.answers import ANSWER_CHANNELS
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.sandwich.meta_classifier import Member, MetaClassifier, load_meta_classifier, save_meta_classifier
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.sandwich.readout import Readout
from probe_sandwich.sandwich.support import Support
from probe_sandwich.subjects.checkpoint import save_checkpoint
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.transformer import join
from torch import Tensor

from tests.conftest import fresh_weights
from tests.sandwich.test_meta_classifier import NO_FIGURES, NO_ZOO

NAME, ALPHABET, T = "mine", ("x", "y"), 12
SANDWICH = SandwichConfig(probes=8, noise_dim=8, generator_hidden=8)


def own_config(**changes: object) -> SubjectConfig:
    """The config of a small subject of the task."""
    facts = {
        "vocabulary": (*ALPHABET, "<bos>", "<pad>"),
        "d_model": 16,
        "layers": 2,
        "heads": 2,
        "d_ff": 24,
        "scheme": "rotary",
        "causal": True,
        "pooling": "max",
        "norm": "pre",
        "train_max_length": T,
        "task": {"name": NAME, "alphabet": ALPHABET},
    }
    return SubjectConfig.model_validate(facts | changes)


def own_checkpoint(folder: Path, **changes: object) -> Path:
    """A file of it."""
    path, config = folder / "own.safetensors", own_config(**changes)
    save_checkpoint(path, config, undecided_weights(config))
    return path


def undecided_weights(config: SubjectConfig) -> dict[str, Tensor]:
    """Fresh weights whose head answers either class to half of some inputs."""
    weights = fresh_weights(config)
    logits = torch.cat([logits_of(config, weights, text) for text in texts(64, 10)])
    lead = (logits[:, 0] - logits[:, 1]).median()
    return weights | {"head.bias": weights["head.bias"] - torch.stack([lead, torch.zeros(())])}


def logits_of(config: SubjectConfig, weights: dict[str, Tensor], text: str) -> Tensor:
    """What a subject answers to one input, `(1, classes)`."""
    subject = join([(config, weights)])
    ids = torch.tensor([[[2, *map(ALPHABET.index, text)]]])
    with torch.inference_mode():
        return subject.forward(subject.embed_ids(ids), torch.ones(1, ids.shape[2], dtype=torch.bool)).logits[0]


def texts(count: int, length: int) -> list[str]:
    """Different inputs of the task, of one length."""
    return [_text(number, length) for number in range(count)]


def _text(number: int, length: int) -> str:
    return f"{number:0{length}b}".replace("0", "x").replace("1", "y")


def evenly_answered(count: int, length: int) -> list[str]:
    """Different inputs of one length, to half of which the subject gives either answer."""
    config = own_config()
    weights = undecided_weights(config)
    found: dict[int, list[str]] = {0: [], 1: []}
    for number in range(0, 2**length, 2**length // 1024):
        text = _text(number, length)
        found[int(logits_of(config, weights, text).argmax())].append(text)
        if min(map(len, found.values())) >= count // 2:
            break
    return [text for answered in found.values() for text in answered[: count // 2]]


def unlabelled_file(folder: Path, inputs: Sequence[str] = texts(64, 10)) -> Path:
    """Inputs, one a line."""
    path = folder / "inputs.txt"
    path.write_text("\n".join(inputs))
    return path


def labelled_file(folder: Path, inputs: Sequence[str]) -> Path:
    """Inputs as JSON lines, labelled as the subject itself answers: the direct test finds it right everywhere."""
    config = own_config()
    weights = undecided_weights(config)
    path = folder / "labelled.jsonl"
    with path.open("w") as file:
        for text in inputs:
            label = int(logits_of(config, weights, text).argmax())
            file.write(json.dumps({"input": text, "label": label}) + "\n")
    return path


def any_task_folder(folder: Path) -> Path:
    """A folder within, of an untrained meta-classifier that says 0.9 of every subject."""
    features = len(ANSWER_CHANNELS) * 2 * SANDWICH.variants
    says = Calibration(slope=0.0, shift=float(torch.tensor(0.9).logit()))
    members = [
        Member(Readout(SANDWICH), says, Support(torch.zeros(features), torch.ones(features), 1e6)) for _ in range(2)
    ]
    card = Card(
        name="any",
        definition=Definition(),
        threshold=0.5,
        sandwich=SANDWICH,
        training=SandwichTraining(),
        calibrations=[],
        support_limits=[],
        student_quantile=6.31,
        zoo=NO_ZOO,
        track_record=NO_FIGURES,
        tasks={},
        other_tasks=None,
        packages={},
        sha256="",
    )
    save_meta_classifier(folder / "any", Prober(SANDWICH), members, card)
    return folder / "any"


def for_any_task(folder: Path) -> MetaClassifier:
    """The same, loaded."""
    return load_meta_classifier(any_task_folder(folder), torch.device("cpu"))
