"""Checkpoints: what is written is read back, and what is broken is refused by name."""

import hashlib
import json
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_sandwich.api.refusals import problem_of
from probe_sandwich.subjects import checkpoint as checkpoints
from probe_sandwich.subjects.checkpoint import CheckpointError, load_checkpoint, read_header, save_checkpoint
from probe_sandwich.subjects.config import Activation, Norm, Pooling, Scheme, SubjectConfig
from probe_sandwich.subjects.uploads import load_upload, open_upload
from safetensors.torch import save_file

from tests.conftest import ConfigFactory, fresh_weights

# A causal subject is not read at its first symbol.
READINGS = [
    (causal, pooling) for causal in (True, False) for pooling in Pooling if not (causal and pooling is Pooling.FIRST)
]


def _config(reading: tuple[bool, Pooling], **facts: Any) -> SubjectConfig:
    causal, pooling = reading
    return SubjectConfig(causal=causal, pooling=pooling, **facts)


configs = st.builds(
    _config,
    reading=st.sampled_from(READINGS),
    d_model=st.sampled_from([8, 16]),
    layers=st.integers(1, 3),
    heads=st.sampled_from([1, 2]),
    d_ff=st.integers(1, 9),
    scheme=st.sampled_from(Scheme),
    norm=st.sampled_from(Norm),
    activation=st.sampled_from(Activation),
    train_max_length=st.integers(4, 64),
)


@given(configs, st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_a_saved_checkpoint_is_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, config: SubjectConfig, seed: int
) -> None:
    path = tmp_path_factory.mktemp("checkpoints") / "one.safetensors"
    weights = fresh_weights(config, seed)
    save_checkpoint(str(path), config, weights)
    loaded = load_checkpoint(path)
    assert loaded.config == config
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(torch.equal(loaded.weights[name], weights[name]) for name in weights)


def rewrite(path: Path, config: dict[str, object] | None = None, **tensors: torch.Tensor | None) -> None:
    """Write the checkpoint anew with another config or other tensors; None leaves a tensor out."""
    loaded = load_checkpoint(path)
    kept = {name.replace(".", "__"): weight for name, weight in loaded.weights.items()} | tensors
    text = json.dumps(loaded.config.model_dump(mode="json") | (config or {}))
    save_file(
        {name.replace("__", "."): weight for name, weight in kept.items() if weight is not None},
        path,
        metadata={"config": text},
    )


def refused(path: Path, error: type[CheckpointError], words: str | None = None) -> None:
    """The file is refused by this very error."""
    with pytest.raises(error, match=words) as caught:
        load_checkpoint(path)
    assert type(caught.value) is error


def test_an_empty_file(checkpoint_file: Path) -> None:
    checkpoint_file.write_bytes(b"")
    refused(checkpoint_file, checkpoints.EmptyFile)


def test_a_file_cut_short(checkpoint_file: Path) -> None:
    checkpoint_file.write_bytes(checkpoint_file.read_bytes()[:-10])
    refused(checkpoint_file, checkpoints.MalformedFile, "cut short")


@pytest.mark.parametrize("content", [b"x", b"not a checkpoint at all", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_another_format(checkpoint_file: Path, content: bytes) -> None:
    checkpoint_file.write_bytes(content)
    refused(checkpoint_file, checkpoints.NotSafetensors)


def test_a_pickle_is_never_opened(checkpoint_file: Path) -> None:
    torch.save({"embedding": torch.zeros(3)}, checkpoint_file)
    refused(checkpoint_file, checkpoints.NotSafetensors, "probe-sandwich convert")


def test_a_header_of_two_to_the_sixty_bytes(checkpoint_file: Path) -> None:
    checkpoint_file.write_bytes(struct.pack("<Q", 2**60) + b"{" + bytes(100))
    refused(checkpoint_file, checkpoints.HeaderTooLarge)


def test_a_header_that_names_a_tensor_twice(checkpoint_file: Path) -> None:
    header = (
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    )
    checkpoint_file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    refused(checkpoint_file, checkpoints.MalformedFile, "twice")


def headed(path: Path, header: bytes, data: bytes = bytes(4)) -> Path:
    """A file with any header."""
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def parted(path: Path) -> tuple[bytes, bytes]:
    """A file's header and data."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + length], content[8 + length :]


def test_an_integer_of_five_thousand_digits(checkpoint_file: Path) -> None:
    refused(headed(checkpoint_file, b'{"a":%s}' % (b"9" * 5000)), checkpoints.MalformedFile, "JSON")


@pytest.mark.parametrize("shape", [b"7," * 500_000 + b"1", b"9" * 4000, b"1," * 8 + b"1"])
def test_a_shape_is_bounded_before_any_product(checkpoint_file: Path, shape: bytes) -> None:
    header = b'{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,4]}}' % shape
    started = time.process_time()
    refused(headed(checkpoint_file, header), checkpoints.MalformedFile, "badly")
    assert time.process_time() - started < 1


def test_a_type_that_is_no_unicode_is_told_in_unicode(checkpoint_file: Path) -> None:
    text, data = parted(checkpoint_file)
    header = json.loads(text)
    header["head.bias"]["dtype"] = "\ud800"
    headed(checkpoint_file, json.dumps(header).encode(), data)
    with pytest.raises(checkpoints.WrongType) as caught:
        load_checkpoint(checkpoint_file)
    assert "head.bias" in problem_of(caught.value).document().model_dump_json()


def test_every_length_of_header_is_read_whatever_its_bytes_look_like(checkpoint_file: Path) -> None:
    text, data = parted(checkpoint_file)
    for size in range(len(text), len(text) + 1024):
        path = headed(checkpoint_file, text.ljust(size), data)
        with path.open("rb") as file:
            assert read_header(file, path.stat().st_size)


@pytest.mark.parametrize("length", [640, 896, 1152, 1408])
def test_a_short_header_is_no_pickle(checkpoint_file: Path, length: int) -> None:
    refused(headed(checkpoint_file, b"{}".ljust(length), b""), checkpoints.MissingConfig)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "BF16", "I64"]) | st.text(st.characters()),
        "shape": st.lists(st.integers(-1, 2**70), max_size=10) | anything,
        "data_offsets": st.lists(st.integers(-1, 8), min_size=2, max_size=2) | anything,
    }
)
headers = st.dictionaries(st.sampled_from(["a", "embedding", "__metadata__"]), entries | anything, max_size=3)


@given(st.binary(max_size=200), headers, st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_bytes_or_header_come_only_a_declared_error_is_raised(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, header: dict[str, object], as_header: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(content)
    if as_header:
        headed(path, json.dumps(header).encode(), bytes(8))
    for read in (load_upload, open_upload):
        with pytest.raises(CheckpointError) as caught:
            read(path)
        assert type(caught.value) is not checkpoints.UnreadableFile
        assert problem_of(caught.value).document().model_dump_json()


def test_a_file_without_config(checkpoint_file: Path) -> None:
    save_file({"embedding": torch.zeros(2, 2)}, checkpoint_file)
    refused(checkpoint_file, checkpoints.MissingConfig)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"trust_remote_code": True}, "trust_remote_code"),
        ({"d_model": 10**9}, "d_model"),
        ({"layers": "2"}, "layers"),
        ({"heads": 3}, "heads"),
        ({"scheme": "relative"}, "scheme"),
        ({"vocabulary": ["a", "a"]}, "twice"),
        ({"train_max_length": 10**6}, "train_max_length"),
        ({"task": {"name": ["x"]}}, "task.own.name"),
        ({"task": {"name": {}, "alphabet": ["x", "y"]}}, "task.own.name"),
    ],
)
def test_a_config_that_does_not_validate(checkpoint_file: Path, config: dict[str, object], words: str) -> None:
    rewrite(checkpoint_file, config)
    refused(checkpoint_file, checkpoints.InvalidConfig, words)


def test_a_subject_over_the_size_limit(checkpoint_file: Path) -> None:
    rewrite(checkpoint_file, {"d_model": 1024, "layers": 24, "d_ff": 4096})
    refused(checkpoint_file, checkpoints.TooManyParameters)


def test_a_missing_tensor(checkpoint_file: Path) -> None:
    rewrite(checkpoint_file, head__bias=None)
    refused(checkpoint_file, checkpoints.MissingTensor, r"head\.bias")


def test_a_tensor_too_many(checkpoint_file: Path) -> None:
    rewrite(checkpoint_file, surplus=torch.zeros(1))
    refused(checkpoint_file, checkpoints.UnexpectedTensor, "surplus")


def test_a_tensor_of_wrong_shape(checkpoint_file: Path) -> None:
    rewrite(checkpoint_file, head__bias=torch.zeros(3))
    refused(checkpoint_file, checkpoints.WrongShape, r"head\.bias")


def test_a_tensor_of_wrong_type(checkpoint_file: Path) -> None:
    rewrite(checkpoint_file, head__bias=torch.zeros(2, dtype=torch.int64))
    refused(checkpoint_file, checkpoints.WrongType, r"head\.bias")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(checkpoint_file: Path, value: float) -> None:
    rewrite(checkpoint_file, head__bias=torch.tensor([0.0, value]))
    refused(checkpoint_file, checkpoints.NonFiniteWeights, r"head\.bias")


def test_a_vocabulary_without_a_needed_symbol(checkpoint_file: Path) -> None:
    vocabulary = list(load_checkpoint(checkpoint_file).config.vocabulary)
    vocabulary[vocabulary.index("&")] = "∧"
    rewrite(checkpoint_file, {"vocabulary": vocabulary})
    refused(checkpoint_file, checkpoints.MissingSymbol, "&")


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_mutated_file_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, tiny_config: ConfigFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("mutated") / "one.safetensors"
    config = tiny_config(d_model=4, layers=1, d_ff=4)
    save_checkpoint(path, config, fresh_weights(config))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.one_of(st.integers(0, 1500), st.integers(0, len(content) - 1)))
        content[min(place, len(content) - 1)] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(len(content) - 40, len(content)))]))
    with suppress(CheckpointError):
        load_checkpoint(path)
