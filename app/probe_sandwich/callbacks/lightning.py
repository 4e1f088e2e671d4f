"""For Lightning (extra `lightning`)."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from probe_sandwich.callbacks.checks import SHARE, Ask, Check, Checks


class GeneralizerLightningCallback(Callback):
    """`Trainer(callbacks=[GeneralizerLightningCallback(ask)])`: logs to the trainer's loggers, on one process."""

    def __init__(
        self, ask: Ask, *, every: int | None = None, share: float = SHARE, best: Path | str | None = None
    ) -> None:
        """`best`: the file that Lightning's checkpoint of the best model so far is saved to; `every`, `share`: see
        `Checks`."""
        self.best = best
        self.checks = Checks(ask, every, share, keeps_best=best is not None)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Asks where a check is due. Raises as `Checks.step` does."""
        self._log(trainer, self.checks.step())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A last check; warns where no model was kept. Raises as `Checks.step` does."""
        self._log(trainer, self.checks.finish())

    def _log(self, trainer: Trainer, check: Check | None) -> None:
        if check is None:
            return
        for logger in trainer.loggers:
            logger.log_metrics(check.logs, step=trainer.global_step)
        if check.best and self.best is not None:
            trainer.save_checkpoint(self.best)
