"""For Hugging Face's `Trainer` (extra `hf`, with `accelerate`)."""

from pathlib import Path
from typing import Any

from transformers import Trainer, TrainerCallback

from probe_sandwich.callbacks.checks import SHARE, Ask, Check, Checks


class GeneralizerTrainerCallback(TrainerCallback):
    """`trainer.add_callback(GeneralizerTrainerCallback(trainer, ask))`: logs to whatever the trainer reports to."""

    def __init__(
        self,
        trainer: Trainer,
        ask: Ask,
        *,
        every: int | None = None,
        share: float = SHARE,
        best: Path | str | None = None,
    ) -> None:
        """`best`: the folder that the best model so far is saved to; `every`, `share`: see `Checks`."""
        self.trainer = trainer
        self.best = best
        self.checks = Checks(ask, every, share, keeps_best=best is not None)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Asks where a check is due. Raises as `Checks.step` does."""
        self._log(self.checks.step() if state.is_world_process_zero else None)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """A last check; warns where no model was kept. Raises as `Checks.step` does."""
        self._log(self.checks.finish() if state.is_world_process_zero else None)

    def _log(self, check: Check | None) -> None:
        if check is None:
            return
        self.trainer.log(check.logs)
        if check.best:
            self.trainer.save_model(str(self.best))
