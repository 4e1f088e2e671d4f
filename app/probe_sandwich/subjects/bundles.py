"""Bundles of foreign models: a zip of `config.json`, `model.safetensors` and `subject.json` (a `Description`); where
that lists no vocabulary, also of `tokenizer.json`, of which only the table of tokens is read.

Nothing here needs the library that runs such a model: what can be refused is refused before it is asked.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from probe_sandwich.subjects.checkpoint import (
    MAX_PARAMETERS,
    BadBundle,
    CheckpointError,
    InvalidConfig,
    MissingSymbol,
    TooManyParameters,
    UnsupportedArchitecture,
    told,
)
from probe_sandwich.subjects.symbols import check_names, missing_symbols
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.task import AnyTask

CONFIG, WEIGHTS, DESCRIPTION, TOKENIZER = "config.json", "model.safetensors", "subject.json", "tokenizer.json"
ARCHITECTURES = (
    "BertForSequenceClassification",
    "DistilBertForSequenceClassification",
    "GPT2ForSequenceClassification",
    "LlamaForSequenceClassification",
    "MistralForSequenceClassification",
    "Qwen2ForSequenceClassification",
    "RobertaForSequenceClassification",
    "T5ForSequenceClassification",
)
MAX_JSON_BYTES = 1 << 20
MAX_ENTRIES = 16
MAX_RATIO = 50
MAX_DIRECTORY_BYTES = 1 << 20
MAX_INTEGER = 1 << 17
_END, _END_64, _END_BYTES, _MAX_COMMENT = b"PK\x05\x06", b"PK\x06\x07", 22, 1 << 16
_FORBIDDEN = frozenset({"auto_map", "trust_remote_code", "custom_pipelines", "quantization_config", "code_revision"})


class Description(BaseModel):
    """What `config.json` does not say: what the subject was trained on, and how its input is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: tuple[str, ...] = Field(
        default=(), max_length=65_536, description="symbols in id order; by default those of tokenizer.json"
    )
    train_max_length: int = Field(ge=4, le=256)
    task: AnyTask = Task()
    symbols: dict[str, str] = Field(
        default={}, max_length=256, description="its names of the task's symbols, where they differ from ours"
    )
    begin: str | None = Field(default=None, description="symbol before every formula, such as [CLS]; none by default")
    end: str | None = Field(default=None, description="symbol after every formula, such as [SEP]; none by default")


class Parts(Protocol):
    """The files of a bundle, wherever they are."""

    def texts(self) -> dict[str, bytes]:
        """The JSON files by name. Raises `BadBundle`, `TooManyParameters`."""

    def weights(self) -> AbstractContextManager[tuple[BinaryIO, int]]:
        """The weights' file, to be read once from its start, and its size. Raises `BadBundle`."""

    def sha256(self) -> str:
        """A hash of all of them."""


@dataclass(frozen=True)
class Zipped:
    """Parts in one zip, of which only what is asked for is inflated, piece by piece."""

    path: Path

    def texts(self) -> dict[str, bytes]:
        with _opened(self.path) as archive:
            entries = _checked_entries(archive)
            return {name: _read_entry(archive, entry) for name, entry in entries.items() if name != WEIGHTS}

    @contextmanager
    def weights(self) -> Iterator[tuple[BinaryIO, int]]:
        with _opened(self.path) as archive:
            entry = _checked_entries(archive)[WEIGHTS]
            with archive.open(entry) as file:
                yield cast(BinaryIO, file), entry.file_size
                if file.read(1):  # at its end, the zip's own checksum is compared
                    raise BadBundle(f"{WEIGHTS} has another size than its header says")

    def sha256(self) -> str:
        with self.path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()


@dataclass(frozen=True)
class Separate:
    """Parts that came one by one."""

    weights_path: Path
    config: Path
    description: str

    def texts(self) -> dict[str, bytes]:
        if self.config.stat().st_size > MAX_JSON_BYTES:
            raise BadBundle(f"{CONFIG} is larger than {MAX_JSON_BYTES} bytes, which is more than is read")
        return {CONFIG: self.config.read_bytes(), DESCRIPTION: self.description.encode(errors="replace")}

    @contextmanager
    def weights(self) -> Iterator[tuple[BinaryIO, int]]:
        with self.weights_path.open("rb") as file:
            yield file, self.weights_path.stat().st_size

    def sha256(self) -> str:
        with self.weights_path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
        for text in self.texts().values():
            digest.update(hashlib.sha256(text).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class Bundle:
    """A bundle whose JSON was read and checked; its weights wait."""

    parts: Parts
    architecture: str
    config: dict[str, Any]
    description: Description


def is_bundle(path: Path) -> bool:
    """Whether a file is a zip with a config.json at its top; a `.pt` is a zip too."""
    if not _has_small_directory(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return CONFIG in archive.namelist()
    except Exception:  # whatever the library makes of bytes that are no zip
        return False


def read_bundle(parts: Parts) -> Bundle:
    """Read a bundle but for its weights. Raises the subclass of `CheckpointError` that names what is wrong."""
    texts = parts.texts()
    config = _config(texts[CONFIG])
    names = config.get("architectures")
    if not isinstance(names, list) or len(names) != 1 or names[0] not in ARCHITECTURES:
        raise UnsupportedArchitecture(
            f"{CONFIG} names architectures {str(names)[:100]}; one of these is run: {', '.join(ARCHITECTURES)}"
        )
    return Bundle(parts, names[0], config, _description(texts))


def _has_small_directory(path: Path) -> bool:
    """Whether a file ends as a zip does whose table of contents is small: the library makes an object of each entry.

    One of 64-bit offsets, as `torch.save` writes it, is taken for a large one.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END_BYTES - _MAX_COMMENT - len(_END_64) - 16))
        tail = file.read()
    last = tail[-_END_BYTES:]
    plain = last.startswith(_END) and last.endswith(b"\0\0")  # no comment: the library looks here first
    place = len(tail) - _END_BYTES if plain else tail.rfind(_END)
    if place < 0 or tail[max(0, place - 20) : place].startswith(_END_64):
        return False
    return int.from_bytes(tail[place + 12 : place + 16], "little") <= MAX_DIRECTORY_BYTES


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip; whatever the library raises while it is read is `BadBundle`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (CheckpointError, MemoryError):
        raise
    # A zip may ask for any version, method, flag or encoding, and each has an error of its own.
    except Exception as error:
        raise BadBundle(f"the zip cannot be read: {error}") from error


def _checked_entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries that are read, after the table of contents was checked."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(archive.infolist()) > MAX_ENTRIES or len(entries) != len(archive.infolist()):
        raise BadBundle(f"a bundle has at most {MAX_ENTRIES} files, each once")
    for wanted in (CONFIG, WEIGHTS, DESCRIPTION):
        if wanted not in entries:
            raise BadBundle(
                f"the bundle has no {wanted}; it must hold {CONFIG}, {WEIGHTS} and {DESCRIPTION} at its top"
            )
    read = {name: entries[name] for name in (CONFIG, WEIGHTS, DESCRIPTION, TOKENIZER) if name in entries}
    for name, entry in read.items():
        size, packed = entry.file_size, max(1, entry.compress_size)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadBundle(f"{name} is packed by method {entry.compress_type}; store or deflate it")
        if size > MAX_RATIO * packed or (name != WEIGHTS and size > MAX_JSON_BYTES):
            raise BadBundle(f"{name} would inflate to {size} bytes, which is more than is read")
        if size > 8 * MAX_PARAMETERS:
            raise TooManyParameters(size // 4)
    return read


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise BadBundle(f"{entry.filename} has another size than the zip says")
    return content


def _description(texts: Mapping[str, bytes]) -> Description:
    try:
        description = Description.model_validate_json(texts[DESCRIPTION])
        if not description.vocabulary and TOKENIZER in texts:
            facts = description.model_dump() | {"vocabulary": _tokens(texts[TOKENIZER])}
            description = Description.model_validate(facts)
    except ValidationError as error:
        raise InvalidConfig(f"{DESCRIPTION} does not validate: {told(error)}") from error
    missing = missing_symbols(description.task, description.vocabulary, description.symbols)
    if missing:
        raise MissingSymbol(missing)
    try:
        check_names(description.task, description.symbols, description.vocabulary, (description.begin, description.end))
    except ValueError as error:
        raise InvalidConfig(f"{DESCRIPTION}: {error}") from error
    for symbol in (description.begin, description.end):
        if symbol is not None and symbol not in description.vocabulary:
            raise InvalidConfig(f"{DESCRIPTION}: {symbol!r} is not in the vocabulary")
    return description


def _tokens(text: bytes) -> list[str]:
    """The tokens of a `tokenizer.json` in id order, whatever they mean; ids that are not there are left empty."""
    try:
        content = json.loads(text)
        table = dict(content["model"]["vocab"])
        table |= {token["content"]: token["id"] for token in content.get("added_tokens", [])}
        if not all(type(number) is int and 0 <= number < MAX_INTEGER for number in table.values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidConfig(f"{TOKENIZER} has no table of tokens; give the vocabulary in {DESCRIPTION}") from error
    names = {number: name for name, number in table.items()}
    return [names.get(number, f"unused {number}") for number in range(max(names, default=-1) + 1)]


def _config(text: bytes) -> dict[str, Any]:
    """`config.json`, held against what no config may say."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidConfig(f"{CONFIG} is not valid JSON") from error
    if not isinstance(raw, dict):
        raise InvalidConfig(f"{CONFIG} is not an object")
    try:
        _forbid(raw)
    except RecursionError as error:
        raise InvalidConfig(f"{CONFIG} is nested too deep") from error
    return raw


def _forbid(value: object) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in _FORBIDDEN or key.startswith("_attn"):
                raise InvalidConfig(f"{CONFIG} may not set {key!r}: no code but the library's own is run")
            _forbid(inner)
    elif isinstance(value, list):
        for inner in value:
            _forbid(inner)
    elif type(value) is int and abs(value) > MAX_INTEGER:
        raise InvalidConfig(f"{CONFIG} holds the integer {str(value)[:20]}; the largest that is taken is {MAX_INTEGER}")
