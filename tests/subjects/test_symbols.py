"""A subject's own names for symbols, and symbols that its task does not need."""

import json
from pathlib import Path

import pytest
import torch
from probe_sandwich.answer import Definition
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.length_test import run_length_test
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import MetaClassifier, load_meta_classifier
from probe_sandwich.subjects.checkpoint import (
    Checkpoint,
    MissingSymbol,
    load_checkpoint,
    save_checkpoint,
)
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.transformer import SubjectStack, join
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import CLOSE, IDS, OPEN, OR, VOCABULARY
from pydantic import ValidationError
from torch import Tensor

from tests.conftest import EXAMPLES, MODEL, ConfigFactory, fresh_weights

UNUSED = (OR, OPEN, CLOSE)
NAMES = {"~": "!", "a": "x1"}
QUICK = Options(direct_test=False, noise_draws=1)
FEW = Definition(formulas_per_bucket=40)


@pytest.fixture(scope="module")
def meta() -> MetaClassifier:
    return load_meta_classifier(MODEL, torch.device("cpu"))


def rewritten(checkpoint: Checkpoint, vocabulary: list[str], names: dict[str, str]) -> SubjectStack:
    """The subject of a checkpoint with its embedding in the order of another vocabulary."""
    facts = checkpoint.config.model_dump(mode="json") | {"vocabulary": vocabulary, "symbols": names}
    ours = {own: symbol for symbol, own in names.items()}
    rows = [IDS[ours.get(own, own)] for own in vocabulary]
    weights = checkpoint.weights | {"embedding": checkpoint.weights["embedding"][rows]}
    return join([(SubjectConfig.model_validate_json(json.dumps(facts)), weights)])


def test_a_conjunctions_vocabulary_needs_no_bar_and_no_brackets(
    tmp_path: Path, tiny_config: ConfigFactory, meta: MetaClassifier
) -> None:
    left = tuple(symbol for symbol in VOCABULARY if symbol not in UNUSED)
    config = tiny_config(vocabulary=left)
    save_checkpoint(tmp_path / "one.safetensors", config, fresh_weights(config))
    assert load_checkpoint(tmp_path / "one.safetensors").config == config
    other = tiny_config(vocabulary=left, task=Task(name=TaskName.CNF))
    save_checkpoint(tmp_path / "two.safetensors", other, fresh_weights(other))
    with pytest.raises(MissingSymbol, match=r"lacks \| \( \)"):
        load_checkpoint(tmp_path / "two.safetensors")
    (answer,) = diagnose([load_checkpoint(tmp_path / "one.safetensors")], meta, torch.device("cpu"), QUICK)
    assert not {symbol for probe in answer.probes for symbol in probe.symbols} & set(UNUSED)


def test_answers_do_not_depend_on_unused_symbols_or_on_names(meta: MetaClassifier) -> None:
    checkpoint = load_checkpoint(EXAMPLES[0])
    plain = join([(checkpoint.config, checkpoint.weights)])
    without = rewritten(checkpoint, [symbol for symbol in VOCABULARY if symbol not in UNUSED], {})
    renamed = rewritten(checkpoint, [NAMES.get(symbol, symbol) for symbol in VOCABULARY], NAMES)
    expected, tested = meta.predict(plain, draws=1).probability, run_length_test(plain, FEW)
    for other in (without, renamed):
        assert meta.predict(other, draws=1).probability == pytest.approx(expected, abs=1e-6)
        assert run_length_test(other, FEW) == tested


@pytest.mark.parametrize(
    ("symbols", "says"),
    [
        ({"!": "~"}, "the task does not use"),
        ({"~": "!"}, "not in the vocabulary"),
        ({"a": "b"}, "stand for two things"),
        ({"a": "<pad>"}, "stand for two things"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(symbols: dict[str, str], says: str, tiny_config: ConfigFactory) -> None:
    with pytest.raises(ValidationError, match=says):
        tiny_config(symbols=symbols)


def reason_of(config: SubjectConfig, weights: dict[str, Tensor], meta: MetaClassifier) -> str:
    """What a diagnosis says."""
    options = Options(noise_draws=1, formulas_per_length=100)
    checkpoint = Checkpoint(config, weights, "0" * 64)
    (answer,) = diagnose([checkpoint], meta, torch.device("cpu"), options)
    return answer.reason


def test_symbols_that_nobody_asked_about_are_named(meta: MetaClassifier) -> None:
    checkpoint = load_checkpoint(EXAMPLES[0])
    more = torch.cat([checkpoint.weights["embedding"], torch.zeros(3, checkpoint.config.d_model)])
    config = checkpoint.config.model_copy(update={"vocabulary": (*VOCABULARY, "f", "g", "h")})
    reason = reason_of(config, checkpoint.weights | {"embedding": more}, meta)
    assert "no input here holds f g h of its vocabulary" in reason
    assert "of its vocabulary" not in reason_of(checkpoint.config, checkpoint.weights, meta)


def test_a_subject_at_chance_or_the_wrong_way_round_is_told_what_to_check(
    meta: MetaClassifier, tiny_config: ConfigFactory
) -> None:
    config = tiny_config()
    assert "check the begin and end symbols" in reason_of(config, fresh_weights(config), meta)
    checkpoint = load_checkpoint(EXAMPLES[0])
    flipped = {name: -w if name.startswith("head.") else w for name, w in checkpoint.weights.items()}
    assert "check that class 1 means satisfiable" in reason_of(checkpoint.config, flipped, meta)
