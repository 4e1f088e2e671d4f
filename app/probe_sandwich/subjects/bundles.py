"""Bundles of foreign models: a zip of `config.json`, `model.safetensors` and `subject.json` (a `Description`); where
that lists no vocabulary, also of `tokenizer.json`, of which only the table of tokens is read.

Nothing here needs the library that runs such a model: what can be refused is refused before it is asked.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from probe_sandwich.subjects.checkpoint import InvalidConfig, MissingSymbol, UnsupportedArchitecture, first_problems
from probe_sandwich.subjects.parts import CONFIG, DESCRIPTION, TOKENIZER, Parts
from probe_sandwich.subjects.symbols import check_names, missing_symbols
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.task import AnyTask

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
MAX_INTEGER = 1 << 17
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


@dataclass(frozen=True)
class Bundle:
    """A bundle whose JSON was read and checked; its weights wait."""

    parts: Parts
    architecture: str
    config: dict[str, Any]
    description: Description
    texts_sha256: str
    """Of its JSON files in the order of their names."""

    def sha256(self, weights_sha256: str) -> str:
        """Of all its files, the same whether they came as a zip, as a folder or one by one."""
        return hashlib.sha256(f"{weights_sha256} {self.texts_sha256}".encode()).hexdigest()


def read_bundle(parts: Parts) -> Bundle:
    """Read a bundle but for its weights. Raises the subclass of `CheckpointError` that names what is wrong."""
    texts = parts.texts()
    config = _config(texts[CONFIG])
    names = config.get("architectures")
    if not isinstance(names, list) or len(names) != 1 or names[0] not in ARCHITECTURES:
        raise UnsupportedArchitecture(
            f"{CONFIG} names architectures {str(names)[:100]}; one of these is run: {', '.join(ARCHITECTURES)}"
        )
    hashes = " ".join(hashlib.sha256(texts[name]).hexdigest() for name in sorted(texts))
    return Bundle(parts, names[0], config, _description(texts), hashlib.sha256(hashes.encode()).hexdigest())


def _description(texts: Mapping[str, bytes]) -> Description:
    try:
        description = Description.model_validate_json(texts[DESCRIPTION])
        if not description.vocabulary and TOKENIZER in texts:
            facts = description.model_dump() | {"vocabulary": _tokens(texts[TOKENIZER])}
            description = Description.model_validate(facts)
    except ValidationError as error:
        raise InvalidConfig(f"{DESCRIPTION} does not validate: {first_problems(error)}") from error
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
