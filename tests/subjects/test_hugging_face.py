"""Foreign models: run as `transformers` runs them, and refused by name where they cannot be. Needs the extra `hf`."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from probe_sandwich.answer import Definition, Verdict
from probe_sandwich.api.refusals import problem_of
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.length_test import run_length_test
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import load_meta_classifier
from probe_sandwich.subjects import checkpoint as checkpoints
from probe_sandwich.subjects.bundles import ARCHITECTURES, Description
from probe_sandwich.subjects.checkpoint import CheckpointError
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.uploads import load_upload
from probe_sandwich.tasks.datasets import Formulas, sample_formulas
from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS

from tests.conftest import MODEL

transformers = pytest.importorskip("transformers")
hugging_face = pytest.importorskip("probe_sandwich.subjects.hugging_face")
FAMILIES, ForeignSubject = hugging_face.FAMILIES, hugging_face.ForeignSubject
pytestmark = [pytest.mark.hf, pytest.mark.filterwarnings("ignore")]

VOCABULARY = ("[PAD]", "[CLS]", "[SEP]", *FORMULA_SYMBOLS)
COMMON = {"vocab_size": len(VOCABULARY), "pad_token_id": 0, "num_labels": 2}
SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "BertForSequenceClassification": ("BertConfig", SMALL | {"max_position_embeddings": 60}),
    "DistilBertForSequenceClassification": (
        "DistilBertConfig",
        {"dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 48, "max_position_embeddings": 60},
    ),
    "RobertaForSequenceClassification": ("RobertaConfig", SMALL | {"max_position_embeddings": 60}),
    "GPT2ForSequenceClassification": ("GPT2Config", {"n_embd": 32, "n_layer": 3, "n_head": 2, "n_positions": 60}),
    "LlamaForSequenceClassification": ("LlamaConfig", SMALL),
    "MistralForSequenceClassification": ("MistralConfig", SMALL | {"num_key_value_heads": 1}),
    "Qwen2ForSequenceClassification": ("Qwen2Config", SMALL | {"num_key_value_heads": 2}),
    "T5ForSequenceClassification": (
        "T5Config",
        {
            "d_model": 32,
            "d_kv": 16,
            "d_ff": 48,
            "num_layers": 2,
            "num_heads": 2,
            "eos_token_id": 2,
            "decoder_start_token_id": 0,
        },
    ),
}
FIRST = {"BertForSequenceClassification", "DistilBertForSequenceClassification", "RobertaForSequenceClassification"}


def build(kind: str, **changes: Any) -> Any:
    """A real model with random weights, large enough that its answers differ."""
    name, facts = KINDS[kind]
    torch.manual_seed(0)
    model = getattr(transformers, kind)(getattr(transformers, name)(**(COMMON | facts | changes)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2).add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def description(kind: str) -> dict[str, Any]:
    frame = {"begin": "[CLS]"} if kind in FIRST else {}
    return {"vocabulary": VOCABULARY, "train_max_length": 12, **frame, "end": "[SEP]"}


def bundle(path: Path, model: Any, facts: dict[str, Any], config: dict[str, Any] | None = None) -> Path:
    """The model as a user would send it."""
    folder = path.with_suffix("")
    model.save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text()) | (config or {})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(written))
        archive.write(folder / "model.safetensors", "model.safetensors")
        archive.writestr("subject.json", json.dumps(facts))
    return path


def tokens(formulas: Formulas, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask as a user's own tokenizer would make them."""
    rows = []
    for text in formulas.texts():
        ids = [VOCABULARY.index(symbol) for symbol in text]
        rows.append([1] * (kind in FIRST) + ids + [2])
    width = max(map(len, rows))
    return (
        torch.tensor([row + [0] * (width - len(row)) for row in rows]),
        torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows]),
    )


def test_every_architecture_that_is_let_in_is_run_and_tested() -> None:
    assert set(ARCHITECTURES) == set(FAMILIES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_answers_as_it_does_in_transformers(tmp_path: Path, kind: str) -> None:
    model = build(kind)
    checkpoint = load_upload(bundle(tmp_path / "model.zip", model, description(kind)))
    formulas = sample_formulas(checkpoint.config.task, 6, 20, 60, seed=3)
    ids, mask = tokens(formulas, kind)
    with torch.no_grad():
        wanted = model(input_ids=ids, attention_mask=mask).logits
    own_ids = torch.from_numpy(formulas.with_begin())[None]
    own_mask = torch.arange(own_ids.shape[2]) <= torch.from_numpy(formulas.lengths)[:, None]
    subject = checkpoint.subjects
    responses = subject.forward(subject.embed_ids(own_ids), own_mask)
    torch.testing.assert_close(responses.logits[0], wanted, atol=1e-4, rtol=1e-4)
    assert wanted.std(dim=0).min() > 1e-4
    # One-hot distributions are the same sequences.
    exact = sample_formulas(checkpoint.config.task, 14, 14, 20, seed=4)
    symbols = torch.nn.functional.one_hot(torch.from_numpy(exact.ids.astype(np.int64)), len(FORMULA_SYMBOLS)).float()
    full = torch.ones(20, 15, dtype=torch.bool)
    by_ids = subject.forward(subject.embed_ids(torch.from_numpy(exact.with_begin())[None]), full).logits
    vectors = subject.embed_distribution(symbols)
    torch.testing.assert_close(subject.forward(vectors, full).logits, by_ids)
    # The usual positions, said outright, change nothing; others do.
    places = torch.arange(15).view(1, 1, -1)
    torch.testing.assert_close(subject.forward(vectors, full, places).logits, by_ids)
    stretched = subject.forward(vectors, full, places * 2).logits
    assert not torch.allclose(stretched, by_ids, atol=1e-6)


@pytest.mark.parametrize("kind", ["BertForSequenceClassification", "GPT2ForSequenceClassification"])
def test_lengths_past_the_position_table_are_left_out(tmp_path: Path, kind: str) -> None:
    limited = {"n_positions": 30} if kind.startswith("GPT2") else {"max_position_embeddings": 30}
    checkpoint = load_upload(bundle(tmp_path / "model.zip", build(kind, **limited), description(kind)))
    (result,) = run_length_test(checkpoint.subjects, Definition(formulas_per_bucket=10))
    assert [bucket.unreachable is None for bucket in result.buckets] == [True, True, True, False, False]


PLACED_BOTH_WAYS = ("BertForSequenceClassification", "GPT2ForSequenceClassification", "LlamaForSequenceClassification")


@pytest.mark.parametrize("kind", PLACED_BOTH_WAYS)
def test_masked_fillers_place_symbols_as_position_ids_do(tmp_path: Path, kind: str) -> None:
    checkpoint = load_upload(bundle(tmp_path / "model.zip", build(kind), description(kind)))
    by_position = checkpoint.subjects
    facts = {"vocabulary": VOCABULARY, "train_max_length": 12, "end": "[SEP]"}
    begin = "[CLS]" if kind in FIRST else None
    by_fillers = ForeignSubject(
        by_position.model,
        replace(FAMILIES[kind], first_position=None),
        checkpoint.config,
        Description(**facts, begin=begin),
    )
    ids = torch.from_numpy(sample_formulas(checkpoint.config.task, 12, 12, 20, seed=4).with_begin())
    mask, usual = torch.ones_like(ids, dtype=torch.bool), torch.arange(13)
    for places in (usual + 5, usual + (usual >= 4) * 9):
        one, other = (
            subject.forward(subject.embed_ids(ids[None]), mask, places.view(1, 1, -1))
            for subject in (by_fillers, by_position)
        )
        torch.testing.assert_close(one.logits, other.logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["DistilBertForSequenceClassification", "T5ForSequenceClassification"])
def test_a_model_that_takes_no_positions_is_placed_by_fillers(tmp_path: Path, kind: str) -> None:
    checkpoint = load_upload(bundle(tmp_path / "model.zip", build(kind), description(kind)))
    assert checkpoint.config.placing is Placing.BY_FILLERS
    cpu = torch.device("cpu")
    meta = load_meta_classifier(MODEL, cpu)
    (diagnosis,) = diagnose([checkpoint], meta, cpu, Options(direct_test=False, noise_draws=1))
    assert "positions cannot be chosen" not in diagnosis.reason


def test_a_model_without_room_for_fillers_gets_neither_verdict_nor_probability(tmp_path: Path) -> None:
    kind = "DistilBertForSequenceClassification"
    short = build(kind, max_position_embeddings=20)
    checkpoint = load_upload(bundle(tmp_path / "model.zip", short, description(kind)))
    cpu = torch.device("cpu")
    meta = load_meta_classifier(MODEL, cpu)
    (diagnosis,) = diagnose([checkpoint], meta, cpu, Options(direct_test=False, noise_draws=1))
    assert diagnosis.verdict is Verdict.ABSTAIN
    assert "positions cannot be chosen" in diagnosis.reason
    assert diagnosis.generalizer_probability is diagnosis.withheld_probability is diagnosis.probability_interval is None


def test_a_model_comes_back_as_it_went_in(tmp_path: Path) -> None:
    checkpoint = load_upload(bundle(tmp_path / "m.zip", build("LlamaForSequenceClassification"), description("Llama")))
    assert not any(parameter.requires_grad for parameter in checkpoint.subjects.model.parameters())
    assert not checkpoint.subjects.model.training


BAD_CONFIGS: dict[str, tuple[type[CheckpointError], dict[str, Any]]] = {
    "auto_map": (checkpoints.InvalidConfig, {"auto_map": {"AutoModel": "evil.Model"}}),
    "the trust flag, nested": (checkpoints.InvalidConfig, {"text_config": {"a": [{"trust_remote_code": True}]}}),
    "another attention": (checkpoints.InvalidConfig, {"_attn_implementation_internal": "someone/kernel"}),
    "a giant vocabulary": (checkpoints.InvalidConfig, {"vocab_size": 2_000_000_000}),
    "too many parameters": (checkpoints.TooManyParameters, {"vocab_size": 131_072, "hidden_size": 1024}),
    "three thousand layers": (checkpoints.InvalidConfig, {"num_hidden_layers": 3000}),
    "another shape": (checkpoints.WrongShape, {"intermediate_size": 64}),
    "sizes that do not divide": (CheckpointError, {"num_attention_heads": 5}),
    "a string for a size": (CheckpointError, {"hidden_size": "32"}),
    "an architecture nobody runs": (checkpoints.UnsupportedArchitecture, {"architectures": ["EvilForEverything"]}),
    "no architecture": (checkpoints.UnsupportedArchitecture, {"architectures": None}),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_a_config_that_must_not_be(tmp_path: Path, name: str) -> None:
    error, config = BAD_CONFIGS[name]
    kind = "BertForSequenceClassification"
    path = bundle(tmp_path / "model.zip", build(kind), description(kind), config)
    with pytest.raises(error) as caught:
        load_upload(path)
    assert isinstance(caught.value, CheckpointError)


BERT, MISTRAL, T5 = "BertForSequenceClassification", "MistralForSequenceClassification", "T5ForSequenceClassification"
HARMLESS: dict[str, tuple[str, dict[str, Any]]] = {
    "tuples for answers": (BERT, {"return_dict": False}),
    "chunks of the feed-forward": (BERT, {"chunk_size_feed_forward": 7}),
    "attentions wanted": (BERT, {"output_attentions": True, "output_hidden_states": True}),
    "tuples from an encoder and a decoder": (T5, {"return_dict": False, "use_cache": True}),
}
UNUSABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "no token types": (BERT, {"type_vocab_size": 0}),
    "fewer positions than it was trained on": (BERT, {"max_position_embeddings": 8}),
    "no layers": (BERT, {"num_hidden_layers": 0}),
    "a window of nothing": (MISTRAL, {"sliding_window": 0}),
    "a window that looks ahead": (MISTRAL, {"sliding_window": -3}),
    "no decoder": (T5, {"num_decoder_layers": 0}),
    "no buckets of distance": (T5, {"relative_attention_num_buckets": 0}),
    "one bucket of distance": (T5, {"relative_attention_num_buckets": 1}),
    "an activation nobody knows": (T5, {"feed_forward_proj": "gated-\ud800"}),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_how_a_config_wants_to_be_run_changes_no_answer(tmp_path: Path, name: str) -> None:
    kind, config = HARMLESS[name]
    model = build(kind)
    said = []
    for number, changes in enumerate(({}, config)):
        checkpoint = load_upload(bundle(tmp_path / f"{number}.zip", model, description(kind), changes))
        (result,) = run_length_test(checkpoint.subjects, Definition(formulas_per_bucket=10))
        said.append(result)
    assert said[0] == said[1]


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_model_that_cannot_be_run_is_refused_before_it_is_believed(tmp_path: Path, name: str) -> None:
    kind, config = UNUSABLE[name]
    buildable = {} if "feed_forward_proj" in config else config
    path = bundle(tmp_path / "model.zip", build(kind, **buildable), description(kind), config)
    with pytest.raises(CheckpointError) as caught:
        load_upload(path)
    assert problem_of(caught.value).status_code == 422
    assert problem_of(caught.value).document().model_dump_json()


def test_parts_answer_as_their_zip_does_and_nothing_is_written_beside_them(tmp_path: Path) -> None:
    facts = description(BERT)
    zipped = load_upload(bundle(tmp_path / "model.zip", build(BERT), facts))
    folder = tmp_path / "model"
    before = sorted(tmp_path.rglob("*"))
    parted = load_upload(folder / "model.safetensors", folder / "config.json", json.dumps(facts))
    results = [run_length_test(one.subjects, Definition(formulas_per_bucket=10)) for one in (zipped, parted)]
    assert results[0] == results[1]
    assert sorted(tmp_path.rglob("*")) == before


def zip_of(path: Path, compressed: bool = False, **files: bytes) -> Path:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    path.write_bytes(packed.getvalue())
    return path


def test_bundles_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    good = {"config__json": b"{}", "model__safetensors": b"", "subject__json": b"{}"}
    bombs = {"config__json": b"{}", "model__safetensors": bytes(50_000_000), "subject__json": b"{}"}
    cases = (
        zip_of(path, config__json=b"{}"),
        zip_of(path, **good, **{f"file{number}": b"" for number in range(20)}),
    )
    for case in cases:
        with pytest.raises(checkpoints.BadBundle):
            load_upload(case)
    with pytest.raises(checkpoints.BadBundle, match="inflate"):
        load_upload(zip_of(path, compressed=True, **bombs))
    whole = zip_of(path, **good).read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(CheckpointError):
        load_upload(path)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"vocabulary": ["a"]}, checkpoints.MissingSymbol),
        ({"end": "[EOS]"}, checkpoints.InvalidConfig),
        ({"train_max_length": 10**9}, checkpoints.InvalidConfig),
        ({"surplus": 1}, checkpoints.InvalidConfig),
        ({"vocabulary": [*VOCABULARY, "x"]}, checkpoints.InvalidConfig),
    ],
)
def test_a_description_that_does_not_fit(tmp_path: Path, changes: dict[str, Any], error: type[CheckpointError]) -> None:
    kind = "BertForSequenceClassification"
    with pytest.raises(error):
        load_upload(bundle(tmp_path / "model.zip", build(kind), description(kind) | changes))
