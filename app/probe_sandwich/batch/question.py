"""What is asked of every file, and what came of one."""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import BaseModel

from probe_sandwich.answer import Diagnosis
from probe_sandwich.diagnosis import MetaClassifiers, load_meta_classifiers, task_name
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import CARD, load_card, load_meta_classifier


@dataclass(frozen=True)
class Question:
    """The same for every file: all that another process needs, which finds the files at the same places."""

    models: Path
    """Folder of one meta-classifier, or of folders of them."""
    device: str
    options: Options
    inputs: Path | None = None
    labelled: Path | None = None

    @property
    def meta_classifiers(self) -> MetaClassifiers:
        """Loaded once a process. Raises `DamagedMetaClassifier`, `SeveralMetaClassifiers`."""
        return _loaded(self.models, self.device)

    @cached_property
    def fingerprint(self) -> str:
        """The same where the answers are the same: of options, meta-classifiers and inputs."""
        cards = [self.models / CARD] if _is_one(self.models) else sorted(self.models.glob(f"*/{CARD}"))
        judges = [f"{card.parent.name} {load_card(card.parent).sha256}" for card in cards]
        given = [_hash(path.read_bytes()) if path else "" for path in (self.inputs, self.labelled)]
        return _hash("\n".join([self.options.model_dump_json(), *judges, *given]).encode())


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
def _loaded(folder: Path, device: str) -> MetaClassifiers:
    where = torch.device(device)
    if not _is_one(folder):
        return load_meta_classifiers(folder, where)
    one = load_meta_classifier(folder, where)
    return {task_name(one): one}


def _is_one(folder: Path) -> bool:
    return (folder / CARD).is_file()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
