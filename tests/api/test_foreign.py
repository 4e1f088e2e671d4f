"""Hugging Face models that were really trained, through the service. Needs the extra `hf`, and some minutes."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.splits import Split

from tests.conftest import FAST
from tests.subjects.test_hugging_face import bundle, description, tokens

transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.hf, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SIZES = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}
BATCH = 64
# Steps and peak learning rate.
EFFORTS = {"LlamaForSequenceClassification": (2000, 2e-3), "BertForSequenceClassification": (4500, 1e-3)}


def trained(kind: str) -> Any:
    """A model trained on conjunctions of up to 12 symbols, short ones first."""
    name = kind.removesuffix("ForSequenceClassification")
    config = getattr(transformers, f"{name}Config")(
        vocab_size=13,
        pad_token_id=0,
        num_labels=2,
        max_position_embeddings=64,
        initializer_range=0.12,
        **SIZES,
        **({"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0} if name == "Bert" else {}),
    )
    torch.manual_seed(1)
    model = getattr(transformers, kind)(config)
    formulas = sample_formulas(Task(), 1, 12, 30_000, 5, Split.TRAINING)
    ids, mask = tokens(formulas, kind)
    labels = torch.from_numpy(formulas.satisfiable).long()
    steps, rate = EFFORTS[kind]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
    order = torch.Generator().manual_seed(0)
    for step in range(steps):
        longest = 8 if step < steps * 0.25 else 10 if step < steps * 0.4 else 12
        within = int((formulas.lengths <= longest).sum())
        rows = torch.randint(within, (BATCH,), generator=order)
        width = int(mask[rows].sum(dim=1).max())
        loss = model(input_ids=ids[rows, :width], attention_mask=mask[rows, :width], labels=labels[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


@pytest.mark.parametrize("kind", ["BertForSequenceClassification", "LlamaForSequenceClassification"])
def test_a_trained_foreign_model_gets_its_direct_test_and_an_honest_verdict(
    tmp_path: Path, http: httpx.Client, kind: str
) -> None:
    model, facts = trained(kind), description(kind)
    path = bundle(tmp_path / "model.zip", model, facts)
    zipped = http.post("/classify", data=FAST | {"formulas_per_length": "500"}, files={"checkpoint": path.read_bytes()})
    answer = zipped.raise_for_status().json()
    print(json.dumps({key: answer[key] for key in ("verdict", "reason", "generalizer_probability")}))
    print([(bucket["relative"], bucket["accuracy"]) for bucket in answer["direct_test"]["buckets"]])
    assert answer["checkpoint"]["architecture"] == kind
    assert answer["direct_test"]["in_distribution_accuracy"] >= 0.95
    assert answer["verdict"] in ("abstain", "generalizer", "not_generalizer")
    # The same in two files and fields.
    fields = FAST | {
        "formulas_per_length": "500",
        "vocabulary": json.dumps(facts["vocabulary"]),
        "train_max_length": "12",
        "end": "[SEP]",
        **({"begin": "[CLS]"} if "begin" in facts else {}),
    }
    folder = tmp_path / "model"
    files = {
        "checkpoint": (folder / "model.safetensors").read_bytes(),
        "config": (folder / "config.json").read_bytes(),
    }
    other = http.post("/classify", data=fields, files=files).raise_for_status().json()
    assert other["generalizer_probability"] == answer["generalizer_probability"]
    assert other["direct_test"]["buckets"] == answer["direct_test"]["buckets"]
