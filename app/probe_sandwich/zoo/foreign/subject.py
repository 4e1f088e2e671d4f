"""A foreign subject: a fresh module of a config, and the same behind the interface of `Subjects`."""

import torch
from torch import nn

from probe_sandwich.subjects.foreign.module import PlainSubject
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.zoo.foreign.config import BEGIN, END, PAD, Family, ForeignConfig, PositionSource
from probe_sandwich.zoo.foreign.plain import PlainClassifier


def build_module(config: ForeignConfig, seed: int, dropout: float = 0.0) -> nn.Module:
    """A module with random weights. Those who build them ask torch's global generator, which is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if config.family is Family.PLAIN:
            return PlainClassifier(config, dropout)
        # Extra `hf`, which a plain module does not need.
        from probe_sandwich.zoo.foreign.hugging_face import build_hugging_face  # noqa: PLC0415

        module: nn.Module = build_hugging_face(config, dropout)
        return module


def subject_of(config: ForeignConfig, module: nn.Module) -> Subjects:
    """The module as those find it who are sent it: a plain one is called with ids and their padding."""
    vocabulary = config.vocabulary
    begin = BEGIN if config.begins else None
    end = END if config.ends else None
    if config.family is Family.PLAIN:
        reading = Reading(
            vocabulary=vocabulary,
            train_max_length=config.train_max_length,
            pad=PAD,
            begin=begin,
            end=end,
            task=config.task,
            positions=config.table is not PositionSource.NONE,
        )
        return PlainSubject(module, reading, lambda ids, mask: module(ids, ~mask))
    from probe_sandwich.subjects.bundles import Description  # noqa: PLC0415
    from probe_sandwich.subjects.hugging_face import described_subject  # noqa: PLC0415
    from probe_sandwich.zoo.foreign.hugging_face import ARCHITECTURES  # noqa: PLC0415

    description = Description(
        vocabulary=vocabulary, train_max_length=config.train_max_length, task=config.task, begin=begin, end=end
    )
    return described_subject(module, ARCHITECTURES[config.family], description)
