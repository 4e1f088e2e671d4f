"""What is asked of every file, and what came of one."""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import BaseModel

from probe_sandwich.answer import Diagnosis
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_card, load_meta_classifier


@dataclass(frozen=True)
class Question:
    """The same for every file: all that another process needs, which finds the files at the same places."""

    model: Path
    """Folder of the meta-classifier."""
    device: str
    options: Options
    inputs: Path | None = None
    labelled: Path | None = None

    @property
    def meta_classifier(self) -> MetaClassifier:
        """Loaded once a process. Raises `NoMetaClassifier`, `DamagedMetaClassifier`."""
        return _loaded(self.model, self.device)

    @cached_property
    def fingerprint(self) -> str:
        """The same where the answers are the same: of options, meta-classifier and inputs."""
        given = [_hash(path.read_bytes()) if path else "" for path in (self.inputs, self.labelled)]
        return _hash("\n".join([self.options.model_dump_json(), load_card(self.model).sha256, *given]).encode())


class FileProblem(BaseModel):
    """Why a file has no diagnosis: the name of the error, and what it says."""

    type: str
    detail: str


class Answered(BaseModel):
    """What came of one file: one of the two."""

    file: str
    diagnosis: Diagnosis | None = None
    problem: FileProblem | None = None

    @classmethod
    def failed(cls, path: Path, error: Exception) -> Self:
        return cls(file=str(path), problem=FileProblem(type=type(error).__name__, detail=str(error)))

    @property
    def facts(self) -> dict[str, Any]:
        """As a flat JSON object."""
        if self.diagnosis is not None:
            return {"file": self.file, **self.diagnosis.model_dump(mode="json")}
        assert self.problem is not None
        return {"file": self.file, "problem": self.problem.model_dump()}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """Raises `ValidationError`."""
        file = facts.get("file")
        return cls.model_validate(
            {"file": file, "problem": facts["problem"]} if "problem" in facts else {"file": file, "diagnosis": facts}
        )


@lru_cache(maxsize=1)
def _loaded(folder: Path, device: str) -> MetaClassifier:
    return load_meta_classifier(folder, torch.device(device))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
