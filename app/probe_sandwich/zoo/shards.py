"""The zoo on disk: one shard a group, and an index derived from the shards.

A shard is one safetensors file: the group's tensors `(models, ...)`, packed in eight bits, and in its metadata the
index rows of its subjects. It appears by one atomic rename, so a group is either there, whole, or not: resuming is
listing files. `index.jsonl` repeats the rows in one place and is made anew from the shards. A zoo that is passed on may
be pruned: the rows of subjects that did not converge stay, their weights go.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from probe_sandwich.answer import BucketResult, Definition, LengthTestResult
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import judge
from probe_sandwich.subjects.config import Scheme, SubjectConfig
from probe_sandwich.subjects.transformer import Weights
from probe_sandwich.zoo.precision import unpack
from probe_sandwich.zoo.training import TrainingConfig

INDEX, SHARDS = "index.jsonl", "shards"
KEEP_WHOLE = 0.8
"""A shard of which this share has converged is not worth rewriting: whoever versions it would store it twice."""


class NotAZoo(ValueError):
    """A folder holds no finished shard."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} holds no zoo shards; fetch them, or make them with `probe-sandwich zoo build {folder}`; a "
            "zoo of all tasks needs `--recipe broad`"
        )


class DamagedShard(ValueError):
    """A shard's content does not match its index rows."""


class NotKept(ValueError):
    """A subject's weights were pruned."""


class IndexRow(BaseModel):
    """One subject of the zoo."""

    model_config = ConfigDict(extra="forbid")

    subject: str
    """sha256 of the subject's tensors as they are read, in half precision."""
    group: int
    seed: int
    shard: str
    row: int | None
    """Place in the shard's tensors; None where the weights were pruned."""
    reserve: bool
    config: SubjectConfig
    training: TrainingConfig
    losses: list[float]
    buckets: list[BucketResult]
    converged: bool
    label: bool
    certain: bool
    in_distribution_accuracy: float
    long_accuracy: float | None
    reach: float
    definition: Definition
    device: str
    train_seconds: float
    """Seconds of training for this subject: the stack's divided by its size."""

    def retest(self, cut: float) -> LengthTestResult:
        """The decision at another generalizer cut, from the same counts."""
        return judge(self.buckets, self.definition.model_copy(update={"generalizer_cut": cut}))

    @property
    def scheme(self) -> Scheme:
        return self.config.scheme


def shard_path(folder: Path, group: int) -> Path:
    """Where a group's shard lies."""
    return folder / SHARDS / f"group-{group:05d}.safetensors"


def subject_hash(weights: Weights, row: int) -> str:
    """sha256 over names and half-precision bytes of one subject of a stack."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name][row].half().contiguous().numpy().tobytes())
    return digest.hexdigest()


def shard_bytes(stored: Weights, rows: Sequence[IndexRow]) -> bytes:
    """The file of a finished group; what is not packed goes into it in half precision."""
    tensors = {name: (part if part.dtype is torch.int8 else part.half()).contiguous() for name, part in stored.items()}
    return save(tensors, metadata={"rows": json.dumps([row.model_dump(mode="json") for row in rows])})


def finished_groups(folder: Path) -> set[int]:
    """Numbers of the groups whose shards are there."""
    return {int(path.stem.removeprefix("group-")) for path in (folder / SHARDS).glob("group-*.safetensors")}


def shard_rows(folder: Path) -> Iterator[IndexRow]:
    """Index rows of all shards, by group."""
    for group in sorted(finished_groups(folder)):
        yield from _rows_of(shard_path(folder, group))


def _rows_of(path: Path) -> list[IndexRow]:
    with safe_open(path, framework="pt") as shard:
        return [IndexRow.model_validate(row) for row in json.loads(shard.metadata()["rows"])]


def write_index(folder: Path) -> list[IndexRow]:
    """Make `index.jsonl` anew from the shards. Raises `NotAZoo`."""
    rows = list(shard_rows(folder))
    if not rows:
        raise NotAZoo(folder)
    write_atomically(folder / INDEX, "".join(f"{row.model_dump_json()}\n" for row in rows).encode())
    return rows


def merge(folder: Path, parts: Sequence[Path]) -> list[IndexRow]:
    """Bring the shards of other folders into one zoo, and make its index anew. Raises `NotAZoo`."""
    there = finished_groups(folder)
    for part in parts:
        for group in sorted(finished_groups(part) - there):
            write_atomically(shard_path(folder, group), shard_path(part, group).read_bytes())
            there.add(group)
    return write_index(folder)


def prune(folder: Path) -> list[IndexRow]:
    """Drop the weights of subjects that did not converge, from shards of which under `KEEP_WHOLE` did, and make the
    index anew. Raises `NotAZoo`."""
    for group in sorted(finished_groups(folder)):
        path = shard_path(folder, group)
        rows = _rows_of(path)
        kept = [row.row for row in rows if row.converged and row.row is not None]
        if len(kept) >= KEEP_WHOLE * len(rows) or len(kept) == sum(row.row is not None for row in rows):
            continue
        places: dict[int | None, int] = {old: new for new, old in enumerate(kept)}
        tensors = load_file(path) if kept else {}
        weights = {name: tensor[kept] for name, tensor in tensors.items()}
        moved = [row.model_copy(update={"row": places.get(row.row)}) for row in rows]
        write_atomically(path, shard_bytes(weights, moved))
    return write_index(folder)


def read_index(folder: Path) -> list[IndexRow]:
    """The index. Raises `NotAZoo`."""
    path = folder / INDEX
    if not path.exists():
        raise NotAZoo(folder)
    return [IndexRow.model_validate_json(line) for line in path.read_text().splitlines()]


def read_weights(folder: Path, rows: Sequence[IndexRow]) -> list[dict[str, Tensor]]:
    """Single-precision tensors of the subjects, without a model axis. Raises `DamagedShard`, `NotKept`."""
    shards: dict[str, dict[str, Tensor]] = {}
    weights = []
    for row in rows:
        if row.row is None:
            raise NotKept(f"{row.shard} holds no weights of seed {row.seed}, which did not converge; build it again")
        if row.shard not in shards:
            with safe_open(folder / SHARDS / row.shard, framework="pt") as shard:
                shards[row.shard] = unpack({name: shard.get_tensor(name) for name in shard.keys()})  # noqa: SIM118
        stacked = shards[row.shard]
        if subject_hash(stacked, row.row) != row.subject:
            raise DamagedShard(f"{row.shard} row {row.row} does not match its hash; delete the shard and rebuild")
        weights.append({name: tensor[row.row].to(torch.float32) for name, tensor in stacked.items()})
    return weights
