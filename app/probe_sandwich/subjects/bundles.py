"""Bundles of foreign models: a zip of `config.json`, `model.safetensors` and `subject.json` (a `Description`); where
that lists no vocabulary, also of `tokenizer.json`, of which only the table of tokens is read.

Nothing here needs the library that runs such a model: what can be refused is refused before it is asked.
"""

import json
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from probe_sandwich.formulas.tasks import Task
from probe_sandwich.subjects.checkpoint import (
    MAX_PARAMETERS,
    BadBundle,
    InvalidConfig,
    MissingSymbol,
    TooManyParameters,
    UnsupportedArchitecture,
)
from probe_sandwich.subjects.symbols import check_names, missing_symbols

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
MAX_INTEGER = 1 << 17
_FORBIDDEN = frozenset({"auto_map", "trust_remote_code", "custom_pipelines", "quantization_config", "code_revision"})


class Description(BaseModel):
    """What `config.json` does not say: what the subject was trained on, and how its input is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: tuple[str, ...] = Field(
        default=(), max_length=65_536, description="symbols in id order; by default those of tokenizer.json"
    )
    train_max_length: int = Field(ge=4, le=256)
    task: Task = Task()
    symbols: dict[str, str] = Field(
        default={}, max_length=16, description="its names of formula symbols, where they differ from ours"
    )
    begin: str | None = Field(default=None, description="symbol before every formula, such as [CLS]; none by default")
    end: str | None = Field(default=None, description="symbol after every formula, such as [SEP]; none by default")


@dataclass(frozen=True)
class Bundle:
    """A bundle whose JSON was read and checked; its weights wait in the zip."""

    path: Path
    architecture: str
    config: dict[str, Any]
    description: Description

    def extract_weights(self, path: Path) -> None:
        """Write the weights' file. Raises `BadBundle`."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                path.write_bytes(_read_entry(archive, archive.getinfo(WEIGHTS)))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as error:
            raise BadBundle(f"the zip cannot be read: {error}") from error


def is_bundle(path: Path) -> bool:
    """Whether a file is a zip with a config.json at its top; a `.pt` is a zip too."""
    try:
        with zipfile.ZipFile(path) as archive:
            return CONFIG in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def pack_bundle(weights: Path, config: Path, description: str) -> Path:
    """What came in parts, as the zip that it might have come in; the same parts always make the same bytes."""
    path = weights.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(CONFIG), config.read_bytes())
        archive.writestr(zipfile.ZipInfo(DESCRIPTION), description)
        with weights.open("rb") as source, archive.open(zipfile.ZipInfo(WEIGHTS), "w") as target:
            shutil.copyfileobj(source, target)
    return path


def read_bundle(path: Path) -> Bundle:
    """Read a bundle but for its weights. Raises the subclass of `CheckpointError` that names what is wrong."""
    texts = _open_bundle(path)
    config = _config(texts[CONFIG])
    names = config.get("architectures")
    if not isinstance(names, list) or len(names) != 1 or names[0] not in ARCHITECTURES:
        raise UnsupportedArchitecture(
            f"{CONFIG} names architectures {str(names)[:100]}; one of these is run: {', '.join(ARCHITECTURES)}"
        )
    return Bundle(path, names[0], config, _description(texts))


def _open_bundle(path: Path) -> dict[str, bytes]:
    """The JSON files of a bundle, after its table of contents was checked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if len(archive.infolist()) > MAX_ENTRIES or len(entries) != len(archive.infolist()):
                raise BadBundle(f"a bundle has at most {MAX_ENTRIES} files, each once")
            for wanted in (CONFIG, WEIGHTS, DESCRIPTION, TOKENIZER):
                if wanted == TOKENIZER and wanted not in entries:
                    continue
                if wanted not in entries:
                    raise BadBundle(
                        f"the bundle has no {wanted}; it must hold {CONFIG}, {WEIGHTS} and {DESCRIPTION} at its top"
                    )
                size, packed = entries[wanted].file_size, max(1, entries[wanted].compress_size)
                if size > MAX_RATIO * packed or (wanted != WEIGHTS and size > MAX_JSON_BYTES):
                    raise BadBundle(f"{wanted} would inflate to {size} bytes, which is more than is read")
                if size > 8 * MAX_PARAMETERS:
                    raise TooManyParameters(size // 4)
            read = [name for name in (CONFIG, DESCRIPTION, TOKENIZER) if name in entries]
            return {name: _read_entry(archive, entries[name]) for name in read}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise BadBundle(f"the zip cannot be read: {error}") from error


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
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:8])
        raise InvalidConfig(f"{DESCRIPTION} does not validate: {problems}") from error
    missing = missing_symbols(description.task, description.vocabulary, description.symbols)
    if missing:
        raise MissingSymbol(missing)
    try:
        check_names(description.symbols, description.vocabulary, (description.begin, description.end))
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
    _forbid(raw)
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
