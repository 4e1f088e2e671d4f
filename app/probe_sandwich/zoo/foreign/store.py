"""Where foreign subjects lie: `index.jsonl`, a row for each that was trained, and their weights in half precision.

The row is written after the weights, both whole or not at all, so that what stands in the index is finished whatever
was killed when.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from safetensors.torch import load, save
from torch import Tensor, nn

from probe_sandwich.answer import BucketResult, Definition
from probe_sandwich.files import write_atomically
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.zoo.foreign.config import ForeignConfig, ForeignTraining
from probe_sandwich.zoo.foreign.subject import build_module, subject_of

INDEX, WEIGHTS = "index.jsonl", "weights"


class DamagedWeights(ValueError):
    """A weights' file is not the one that the index describes."""


class WeightsNotKept(ValueError):
    """A foreign subject whose weights were left out of the folder."""


class ForeignRow(BaseModel):
    """One foreign subject."""

    model_config = ConfigDict(extra="forbid")

    number: int
    subject: str
    """sha256 of the weights' file."""
    seed: int
    config: ForeignConfig
    training: ForeignTraining
    loss: float
    """Running loss at the end of training."""
    given_up_at: int | None
    """Step at which training was stopped as hopeless, if it was."""
    buckets: list[BucketResult]
    converged: bool
    label: bool
    certain: bool
    in_distribution_accuracy: float
    long_accuracy: float | None
    reach: float
    definition: Definition
    train_seconds: float
    """Processor seconds of training."""


def read_rows(folder: Path) -> list[ForeignRow]:
    """All rows by number; none where there is no index yet."""
    path = folder / INDEX
    if not path.exists():
        return []
    return [ForeignRow.model_validate_json(line) for line in path.read_text().splitlines()]


def write_rows(folder: Path, rows: Iterable[ForeignRow]) -> None:
    """The whole index anew."""
    ordered = sorted(rows, key=lambda row: row.number)
    write_atomically(folder / INDEX, "".join(f"{row.model_dump_json()}\n" for row in ordered).encode())


def weights_path(folder: Path, number: int) -> Path:
    """Where a subject's weights lie."""
    return folder / WEIGHTS / f"{number:05d}.safetensors"


def stored_weights(module: nn.Module) -> bytes:
    """A module's state in half precision, as a file."""
    return save({name: tensor.detach().half().contiguous() for name, tensor in module.state_dict().items()})


def with_weights(module: nn.Module, content: bytes) -> nn.Module:
    """A module with the state that a file holds, in single precision."""
    state: dict[str, Tensor] = {name: tensor.float() for name, tensor in load(content).items()}
    module.load_state_dict(state)
    return module.eval()


def read_module(folder: Path, row: ForeignRow) -> nn.Module:
    """A stored subject's module. Raises `DamagedWeights`, `WeightsNotKept`."""
    path = weights_path(folder, row.number)
    if not path.exists():
        raise WeightsNotKept(f"{path} is not there: index.jsonl has the row, and `build` makes the weights again")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != row.subject:
        raise DamagedWeights(f"{path} does not match its row in {INDEX}; delete both and build them again")
    return with_weights(build_module(row.config, row.seed), content)


def read_subject(folder: Path, row: ForeignRow) -> Subjects:
    """A stored subject. Raises `DamagedWeights`, `WeightsNotKept`."""
    return subject_of(row.config, read_module(folder, row))
