"""The callback for Hugging Face's `Trainer`, with the real one. Needs the extra `trainer`."""

from pathlib import Path

import pytest
import torch
from probe_sandwich import Options, Reading, classify

pytest.importorskip("transformers")
pytest.importorskip("accelerate")
import transformers
from probe_sandwich.callbacks.hugging_face import GeneralizerTrainerCallback

from tests.callbacks.test_loop import LABELLED, TEXTS, batch
from tests.own_models import VOCABULARY, T

pytestmark = [pytest.mark.hf, pytest.mark.filterwarnings("ignore")]


def test_it_logs_to_the_trainer_and_keeps_the_best_model(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(vocab_size=len(VOCABULARY), pad_token_id=0, **sizes)
    )
    ids, labels = batch()
    rows = [
        {"input_ids": row, "attention_mask": (row != 0).long(), "labels": label}
        for row, label in zip(ids, labels, strict=True)
    ]
    arguments = transformers.TrainingArguments(
        str(tmp_path / "run"), max_steps=200, learning_rate=1e-2, report_to=[], save_strategy="no", disable_tqdm=True,
        per_device_train_batch_size=12, use_cpu=True,
    )  # fmt: skip
    trainer = transformers.Trainer(model, arguments, train_dataset=rows)
    reading = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#")
    trainer.add_callback(
        GeneralizerTrainerCallback(
            trainer,
            lambda: classify(model, reading, inputs=TEXTS, labelled=LABELLED, options=Options(noise_draws=1)),
            every=199,
            best=tmp_path / "best",
        )
    )
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "generalizer/answered" in entry]
    assert [entry["step"] for entry in logged] == [1, 200]
    assert logged[-1]["generalizer/in_distribution_accuracy"] == 1.0
    kept = transformers.BertForSequenceClassification.from_pretrained(tmp_path / "best").state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in model.state_dict().items())
