"""Reading and writing a subject's file: tensors in safetensors format, the config as JSON in its metadata.

An upload is hostile until proven otherwise, so the order of checks is fixed: length of the header, its JSON,
the config, then names, shapes and types of the tensors against the config, all before a tensor is allocated;
last the values, tensor by tensor in the order of the file. Nothing is ever unpickled.
"""

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import save
from torch import Tensor

from probe_sandwich.files import Hashed, Readable
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.transformer import Weights, parameter_count, weight_shapes

CONFIG_KEY = "config"
MAX_HEADER_BYTES = 1 << 20
MAX_TENSORS = 4096
MAX_PARAMETERS = 64_000_000
MAX_DIMENSIONS = 8
MAX_INTEGER = 2**63 - 1
_TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}
_CHUNK = 1 << 20
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


class CheckpointError(ValueError):
    """A file that is no usable checkpoint; each subclass names one cause."""


class EmptyFile(CheckpointError):
    """The file has no bytes."""

    def __init__(self) -> None:
        super().__init__("the file is empty; upload a .safetensors checkpoint")


class NotSafetensors(CheckpointError):
    """The file is of another format."""


class MalformedFile(CheckpointError):
    """A safetensors file that breaks its own format: cut short, or with an inconsistent header."""


class HeaderTooLarge(CheckpointError):
    """The header's declared length is over the limit."""

    def __init__(self, declared: int) -> None:
        super().__init__(f"the header declares {declared} bytes; at most {MAX_HEADER_BYTES} are read")


class MissingConfig(CheckpointError):
    """The metadata holds no config."""

    def __init__(self) -> None:
        super().__init__(
            f"the file's metadata has no {CONFIG_KEY!r} key; write checkpoints with `probe-sandwich convert`"
        )


class InvalidConfig(CheckpointError):
    """The config does not validate; the message lists the fields."""


class TooManyParameters(CheckpointError):
    """The config describes a subject over the size limit."""

    def __init__(self, count: int) -> None:
        super().__init__(f"the config describes {count} parameters; at most {MAX_PARAMETERS} are run")


class MissingTensor(CheckpointError):
    """A tensor that the config calls for is not in the file."""


class UnexpectedTensor(CheckpointError):
    """The file holds a tensor that the config does not call for."""


class WrongShape(CheckpointError):
    """A tensor's shape is not the config's."""


class WrongType(CheckpointError):
    """A tensor is not of a floating-point type that is read."""


class NonFiniteWeights(CheckpointError):
    """A tensor holds NaN or infinity."""


class MissingSymbol(CheckpointError):
    """The vocabulary lacks symbols that the task's formulas are written in."""

    def __init__(self, symbols: list[str]) -> None:
        super().__init__(
            f"the vocabulary lacks {' '.join(symbols)}; the length test and the probes need them. Where it has other "
            'names for them, give those as `symbols`, such as {"~": "!"}'
        )


class UnreadableFile(CheckpointError):
    """Reading failed in a way that nobody foresaw: the file's fault until proven otherwise."""


class BadBundle(CheckpointError):
    """A zip that is no bundle of a foreign model."""


class UnrunnableModel(CheckpointError):
    """A foreign model that is built as its config says, and then fails when it is run."""


class UnsupportedArchitecture(CheckpointError):
    """A foreign model of an architecture that is not run, or no library here to run it."""


@dataclass(frozen=True)
class Checkpoint:
    """A subject as it was uploaded: its config, single-precision weights, and the file's hash."""

    config: SubjectConfig
    weights: dict[str, Tensor]
    sha256: str

    @property
    def architecture(self) -> str:
        return f"{self.config.architecture} v{self.config.version}"

    @property
    def parameters(self) -> int:
        return parameter_count(self.config)

    @property
    def size(self) -> Size:
        return self.config.size


def save_checkpoint(path: Path | str, config: SubjectConfig, weights: Weights) -> None:
    """Write a checkpoint; `weights` have no model axis."""
    tensors = {name: weights[name].detach().cpu().contiguous() for name in weight_shapes(config)}
    Path(path).write_bytes(save(tensors, metadata={CONFIG_KEY: config.model_dump_json()}))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint. Raises the subclass of `CheckpointError` that names what is wrong."""
    with path.open("rb") as file:
        hashed = Hashed(file)
        header, config = _read_head(path, hashed)
        weights = dict(read_tensors(hashed, header))
    return Checkpoint(config, {name: weights[name] for name in weight_shapes(config)}, hashed.sha256)


def read_config(path: Path) -> SubjectConfig:
    """The config of a checkpoint whose header fits it; no tensor is read. Raises as `load_checkpoint` does."""
    with path.open("rb") as file:
        return _read_head(path, file)[1]


def _read_head(path: Path, file: Readable) -> tuple[dict[str, Any], SubjectConfig]:
    header = read_header(file, path.stat().st_size)
    config = _config_of(header)
    check_tensors(header, weight_shapes(config))
    return header, config


def read_header(file: Readable, size: int) -> dict[str, Any]:
    """The header of a safetensors file, read within bounds and held against the file's size; the tensors follow."""
    if size == 0:
        raise EmptyFile
    start, brace = file.read(8), file.read(1)
    # A length may begin with the bytes of a pickle: only what does not go on as a header is taken for one.
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    is_pickle = start.startswith(_PICKLE_STARTS)
    if brace != b"{" or (is_pickle and 8 + length > size):
        raise NotSafetensors(
            "this is a pickle or zip file, which is never opened here; on your own machine `probe-sandwich convert` "
            "makes a checkpoint of a state dict whose names are those of docs/checkpoint.md; of other models "
            "examples/export_checkpoint.py shows how, or ask them in memory with `classify(model, reading)`"
            if is_pickle
            else "the file does not start like a safetensors file: send a .safetensors checkpoint, or a Hugging "
            "Face model as a zip"
        )
    if length > MAX_HEADER_BYTES:
        raise HeaderTooLarge(length)
    if 8 + length > size:
        raise MalformedFile(f"the header declares {length} bytes but the file has {size}: was it cut short?")
    header = _parse_json(b"{" + file.read(max(0, length - 1)))
    if len(header) > MAX_TENSORS:
        raise MalformedFile(f"the header names {len(header)} tensors; at most {MAX_TENSORS} are read")
    _check_ranges(header, size - 8 - length)
    return header


def read_tensors(file: Readable, header: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """The tensors that follow a checked header, in single precision and the file's order: one at a time, so that they
    take no more than themselves. Raises `MalformedFile`, `NonFiniteWeights`."""
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    for name in sorted(entries, key=lambda name: entries[name]["data_offsets"]):
        start, end = entries[name]["data_offsets"]
        content = _read_exactly(file, end - start)
        flat = torch.frombuffer(content, dtype=_TYPES[entries[name]["dtype"]]) if content else torch.empty(0)
        weight = flat.view(entries[name]["shape"]).to(torch.float32)
        check_finite({name: weight})
        yield name, weight


def _read_exactly(file: Readable, size: int) -> bytearray:
    content = bytearray(size)
    for start in range(0, size, _CHUNK):
        part = file.read(min(_CHUNK, size - start))
        content[start : start + len(part)] = part
        if len(part) < min(_CHUNK, size - start):
            raise MalformedFile("the file ends within a tensor: was it cut short?")
    return content


def check_tensors(header: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Hold names, types and shapes of a header's tensors against the wanted ones."""
    for name, shape in shapes.items():
        if name not in header:
            raise MissingTensor(f"tensor {name!r} is missing; the config calls for shape {list(shape)}")
        found = header[name]
        if found["dtype"] not in _TYPES:
            raise WrongType(f"tensor {name!r} has type {found['dtype'][:40]!r}; use one of {', '.join(_TYPES)}")
        if tuple(found["shape"]) != shape:
            raise WrongShape(f"tensor {name!r} has shape {found['shape']}; the config calls for {list(shape)}")
    for name in header:
        if name not in shapes and name != "__metadata__":
            raise UnexpectedTensor(f"tensor {name[:80]!r} has no place in the architecture that the config describes")


def check_finite(weights: Weights) -> None:
    """Raises `NonFiniteWeights`."""
    for name, weight in weights.items():
        if not bool(torch.isfinite(weight).all()):
            raise NonFiniteWeights(f"tensor {name!r} holds NaN or infinity; such a subject classifies nothing")


def _parse_json(text: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise MalformedFile("the header names something twice")
        return found

    try:
        header = json.loads(text.decode(), object_pairs_hook=unique)
    except CheckpointError:
        raise
    # A ValueError is bytes that are no UTF-8, text that is no JSON, or an integer of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise MalformedFile(f"the header is not valid JSON: {error}") from error
    return dict(header)


def _check_ranges(header: Mapping[str, Any], data_size: int) -> None:
    """Every tensor must be well described, and together they must fill the data exactly."""
    ranges = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            shape, (start, end), dtype = entry["shape"], entry["data_offsets"], entry["dtype"]
            # Before any product: what it is made of must be few and small.
            bounded = len(shape) <= MAX_DIMENSIONS and isinstance(shape, list)
            integers = bounded and all(type(n) is int and 0 <= n <= MAX_INTEGER for n in (*shape, start, end))
        except (TypeError, KeyError, ValueError) as error:
            raise MalformedFile(f"the header describes tensor {name[:80]!r} badly") from error
        if not integers or not isinstance(dtype, str):
            raise MalformedFile(f"the header describes tensor {name[:80]!r} badly")
        if dtype in _TYPES and math.prod(shape) * _TYPES[dtype].itemsize != end - start:
            raise MalformedFile(f"tensor {name[:80]!r} does not fill its range of bytes")
        ranges.append((start, end))
    position = 0
    for start, end in sorted(ranges):
        if start != position:
            raise MalformedFile("the tensors' ranges overlap or leave holes")
        position = end
    if position != data_size:
        raise MalformedFile(f"the tensors take {position} bytes but the file holds {data_size}: was it cut short?")


def _config_of(header: Mapping[str, Any]) -> SubjectConfig:
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(CONFIG_KEY), str):
        raise MissingConfig
    config = parse_config(metadata[CONFIG_KEY])
    count = parameter_count(config)
    if count > MAX_PARAMETERS:
        raise TooManyParameters(count)
    if config.missing_symbols:
        raise MissingSymbol(config.missing_symbols)
    return config


def parse_config(text: str | bytes) -> SubjectConfig:
    """A validated config. Raises `InvalidConfig`."""
    try:
        return SubjectConfig.model_validate_json(text)
    except ValidationError as error:
        raise InvalidConfig(f"the config does not validate: {first_problems(error)}") from error
    except ValueError as error:  # text that is no Unicode
        raise InvalidConfig(f"the config does not validate: {error}") from error


def first_problems(error: ValidationError) -> str:
    """The first problems of a validation, within bounds."""
    problems = (f"{'.'.join(map(str, item['loc'])) or 'config'}: {item['msg']}"[:200] for item in error.errors()[:8])
    return "; ".join(problems)
