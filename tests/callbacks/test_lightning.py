"""The callback for Lightning, with the real one. Needs the extra `lightning`."""

from pathlib import Path
from typing import Any

import pytest
import torch
from probe_sandwich import Options, Reading, classify
from torch import Tensor, nn

pytest.importorskip("lightning.pytorch")
import lightning.pytorch as lightning
from probe_sandwich.callbacks.lightning import GeneralizerLightningCallback

from tests.callbacks.test_loop import LABELLED, TEXTS, batch
from tests.own_models import VOCABULARY, Encoder, T

pytestmark = [pytest.mark.lightning, pytest.mark.filterwarnings("ignore")]


class Classifier(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = Encoder()

    def training_step(self, rows: tuple[Tensor, Tensor], number: int) -> Tensor:
        ids, labels = rows
        return nn.functional.cross_entropy(self.model(ids, ids == 0), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


class Kept(lightning.loggers.logger.DummyLogger):
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int | None, dict[str, float]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None, **others: Any) -> None:
        self.told.append((step, metrics))


def test_it_logs_to_the_trainers_loggers_and_keeps_the_best_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, logger = Classifier(), Kept()
    reading = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#")
    callback = GeneralizerLightningCallback(
        lambda: classify(module.model, reading, inputs=TEXTS, labelled=LABELLED, options=Options(noise_draws=1)),
        every=29,
        best=tmp_path / "best.ckpt",
    )
    trainer = lightning.Trainer(
        max_steps=30, accelerator="cpu", callbacks=[callback], logger=logger, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader([batch()], batch_size=None))
    told = [(step, logs) for step, logs in logger.told if "generalizer/answered" in logs]
    assert [step for step, _ in told] == [1, 30]
    assert told[-1][1]["generalizer/in_distribution_accuracy"] == 1.0
    kept = torch.load(tmp_path / "best.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(kept[name], tensor) for name, tensor in module.state_dict().items())
    assert module.model.training
