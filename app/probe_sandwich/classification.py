"""`classify`: the service's answer about a model in this process."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from probe_sandwich.answer import Diagnosis
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier
from probe_sandwich.settings import Settings, torch_device
from probe_sandwich.subjects.bundles import ARCHITECTURES, Description
from probe_sandwich.subjects.checkpoint import Checkpoint
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.foreign.checkpoint import ForeignCheckpoint, ForeignSubjects, hash_of
from probe_sandwich.subjects.foreign.errors import NoRoomForPlaces
from probe_sandwich.subjects.foreign.module import PlainSubject, check_plain
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.runs import Forward
from probe_sandwich.subjects.foreign.untouched import device_of, untouched
from probe_sandwich.subjects.stacks import AnyCheckpoint
from probe_sandwich.subjects.uploads import load_upload
from probe_sandwich.tasks.given import GivenInputs, Input, WithLabel, given_of


class NoReading(ValueError):
    """A module came without what only its owner knows."""

    def __init__(self) -> None:
        super().__init__(
            "a module in memory does not say how it reads inputs: give a Reading(vocabulary=..., train_max_length=...)"
        )


class NoModel(ValueError):
    """What came is neither a module nor a checkpoint."""

    def __init__(self, given: object) -> None:
        what = "a state dict" if isinstance(given, Mapping) else f"an object of type {type(given).__name__}"
        super().__init__(
            f"{what} cannot be asked: pass the torch.nn.Module itself, with its weights loaded, or a checkpoint's path"
        )


class NeedlessReading(ValueError):
    """A checkpoint came with what its file says already."""

    def __init__(self) -> None:
        super().__init__("a checkpoint says itself how it reads inputs: give no Reading and no forward with it")


def classify(
    model: nn.Module | Path | str | AnyCheckpoint,
    reading: Reading | None = None,
    *,
    inputs: Iterable[Input] | None = None,
    labelled: Iterable[WithLabel] | None = None,
    forward: Forward | None = None,
    options: Options = Options(),
) -> Diagnosis:
    """Whether a model generalizes to longer inputs, asked on the device where it is.

    `model`: any module, which comes back as it went in, or a checkpoint, by its path or loaded. A module wants a
    `reading`, and a `forward` where it cannot be called as it is. `inputs`: a list of unlabelled ones of at most T
    symbols, of which probes are made. `labelled`: pairs of an input of at most 4T symbols and its class, or objects
    `{"input": ..., "label": ...}`, for the direct test.

    Raises `NoModel`, `NoReading`, `NeedlessReading`, `UnusableInputs`; of a module `UnusableModel`, of a checkpoint or
    a Hugging Face model `CheckpointError`, each a base of one type a cause; and `NoFormulas` as `diagnose` does.
    """
    if isinstance(model, nn.Module):
        if reading is None:
            raise NoReading
        check_plain(model)
        with untouched(model):
            checkpoint = _in_memory(model, reading, forward)
            return _diagnosed(checkpoint, device_of(model), inputs or (), labelled or (), options)
    if not isinstance(model, Path | str | Checkpoint | ForeignCheckpoint):
        raise NoModel(model)
    if reading is not None or forward is not None:
        raise NeedlessReading
    loaded = model if isinstance(model, Checkpoint | ForeignCheckpoint) else load_upload(Path(model))
    return _diagnosed(loaded, torch_device("auto"), inputs or (), labelled or (), options)


@lru_cache(maxsize=2)
def served_meta_classifier(device: torch.device) -> MetaClassifier:
    """That of the service, loaded once a device."""
    # Who loads it may be in inference mode; who asks it next need not be.
    with torch.inference_mode(False):
        return load_meta_classifier(Settings().model, device)


def _in_memory(model: nn.Module, reading: Reading, forward: Forward | None) -> ForeignCheckpoint:
    """A module as a checkpoint. Raises `UnusableModel`, `CheckpointError`."""
    if forward is None and _runs_in_the_service(model, reading):
        return ForeignCheckpoint(_described(model, reading), model, hash_of(model))
    plain = PlainSubject(model, reading, forward)
    if plain.obstacle is not None:
        raise plain.obstacle
    return ForeignCheckpoint(plain, model, hash_of(model))


def _runs_in_the_service(model: nn.Module, reading: Reading) -> bool:
    """Whether a model is a Hugging Face one of an architecture and a head that the service runs."""
    kind = type(model)
    known = kind.__module__.startswith("transformers.") and kind.__name__ in ARCHITECTURES
    return known and getattr(model.config, "num_labels", None) == reading.classes


def _described(model: nn.Module, reading: Reading) -> ForeignSubjects:
    """A Hugging Face model as the service runs it. Raises `NoRoomForPlaces`, `CheckpointError`."""
    from probe_sandwich.subjects.hugging_face import described_subject, try_out  # noqa: PLC0415 - an optional extra

    facts = reading.model_dump(include=set(Description.model_fields))
    subject = described_subject(model, type(model).__name__, Description.model_validate(facts))
    try_out(subject)
    (found,) = subject.configs
    if found.placing is Placing.IMPOSSIBLE:
        raise NoRoomForPlaces(found.longest_formula or 0, 2 * found.train_max_length)
    return subject


def _diagnosed(
    checkpoint: AnyCheckpoint,
    device: torch.device,
    inputs: Iterable[Input],
    labelled: Iterable[WithLabel],
    options: Options,
) -> Diagnosis:
    given = _given(checkpoint, inputs, labelled)
    (diagnosis,) = diagnose([checkpoint], served_meta_classifier(device), device, options, given=given)
    return diagnosis


def _given(checkpoint: AnyCheckpoint, inputs: Iterable[Input], labelled: Iterable[WithLabel]) -> GivenInputs:
    """Inputs held against what the checkpoint reads. Raises `UnusableInputs`."""
    return given_of(
        inputs,
        labelled,
        checkpoint.config.task,
        checkpoint.config.train_max_length,
        checkpoint.config.classes,
    )
