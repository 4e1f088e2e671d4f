"""Bundles of foreign models, of which nothing is run."""

import json
from pathlib import Path
from typing import Any

import pytest
from probe_sandwich.subjects.bundles import read_bundle
from probe_sandwich.subjects.checkpoint import (
    CheckpointError,
    InvalidConfig,
    MissingSymbol,
    UnsupportedArchitecture,
)
from probe_sandwich.subjects.parts import Zipped

from tests.api.bundles import bundle_of, zip_of

NAMES = {"~": "!", "a": "x1"}


def described(path: Path, **changes: object) -> Path:
    """A foreign model of nothing, with other names for two symbols and none for three that a conjunction lacks."""
    config = json.dumps({"architectures": ["BertForSequenceClassification"]}).encode()
    facts = {"vocabulary": ["[PAD]", "x1", "b", "c", "d", "e", "!", "&"], "train_max_length": 12, "symbols": NAMES}
    description = json.dumps(facts | changes).encode()
    parts = {"config.json": config, "model.safetensors": b"", "subject.json": description}
    path.write_bytes(zip_of(**parts))
    return path


def test_a_foreign_description_takes_names_and_needs_no_unused_symbols(tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    assert read_bundle(Zipped(described(path))).description.symbols == NAMES
    with pytest.raises(MissingSymbol, match="lacks a ~;"):
        read_bundle(Zipped(described(path, symbols={})))
    with pytest.raises(InvalidConfig, match="two things"):
        read_bundle(Zipped(described(path, symbols=NAMES | {"b": "c"})))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"auto_map": {"AutoModel": "evil.py"}}, "may not set 'auto_map'"),
        ({"inner": [{"trust_remote_code": True}]}, "may not set 'trust_remote_code'"),
        ({"_attn_implementation": "evil"}, "may not set '_attn_implementation'"),
        ({"vocab_size": 2**40}, "holds the integer"),
    ],
)
def test_a_config_that_asks_for_code_or_for_much_is_refused(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    (tmp_path / "one.zip").write_bytes(bundle_of(**config))
    with pytest.raises(InvalidConfig, match=words):
        read_bundle(Zipped(tmp_path / "one.zip"))


@pytest.mark.parametrize(
    ("config", "error"),
    [(b"[]", InvalidConfig), (b"{", InvalidConfig), (b"{}", UnsupportedArchitecture)],
    ids=["a list", "cut short", "empty"],
)
def test_a_config_that_is_none_is_refused(tmp_path: Path, config: bytes, error: type[CheckpointError]) -> None:
    (tmp_path / "one.zip").write_bytes(bundle_of(config))
    with pytest.raises(error):
        read_bundle(Zipped(tmp_path / "one.zip"))


def with_tokenizer(path: Path, tokenizer: dict[str, Any]) -> Path:
    """A bundle whose vocabulary is its tokenizer's."""
    parts = {
        "config.json": json.dumps({"architectures": ["BertForSequenceClassification"]}).encode(),
        "model.safetensors": b"",
        "subject.json": json.dumps({"train_max_length": 12}).encode(),
        "tokenizer.json": json.dumps(tokenizer).encode(),
    }
    path.write_bytes(zip_of(**parts))
    return path


def test_where_no_vocabulary_is_listed_the_tokenizers_table_is_read(tmp_path: Path) -> None:
    table = {"model": {"vocab": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 6}}}
    table["added_tokens"] = [{"content": "~", "id": 7}, {"content": "&", "id": 0}]  # type: ignore[assignment]
    bundle = read_bundle(Zipped(with_tokenizer(tmp_path / "one.zip", table)))
    assert bundle.description.vocabulary == ("&", "a", "b", "c", "d", "unused 5", "e", "~")


@pytest.mark.parametrize("number", [-1, 2**40, "1"])
def test_a_tokenizer_without_a_table_is_told_what_to_give(tmp_path: Path, number: object) -> None:
    with pytest.raises(InvalidConfig, match=r"give the vocabulary in subject\.json"):
        read_bundle(Zipped(with_tokenizer(tmp_path / "one.zip", {"model": {"vocab": {"a": number}}})))
