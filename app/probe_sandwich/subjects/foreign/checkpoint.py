"""A foreign subject as it came: a Hugging Face model, or anybody's module in memory."""

import hashlib
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import nn

from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.subject import SubjectFacts, Subjects


class ForeignSubjects(Subjects, Protocol):
    """One foreign subject that can be moved."""

    def to(self, device: torch.device) -> Self:
        """The same, on a device."""


@dataclass(frozen=True)
class ForeignCheckpoint:
    """A foreign subject as it came; it runs alone."""

    subjects: ForeignSubjects
    module: nn.Module
    sha256: str

    @property
    def config(self) -> SubjectFacts:
        return self.subjects.configs[0]

    @property
    def architecture(self) -> str:
        return type(self.module).__name__

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.module.parameters())

    @property
    def size(self) -> Size:
        return self.subjects.size


def hash_of(module: nn.Module) -> str:
    """A hash of a module's parameters and buffers, by name."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if not isinstance(tensor, torch.Tensor):  # a module's extra state may be anything
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # Bytes, since numpy has no bfloat16.
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
