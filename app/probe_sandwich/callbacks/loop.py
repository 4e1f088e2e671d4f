"""For a loop of one's own."""

import io
from pathlib import Path

import torch
from torch import nn

from probe_sandwich.callbacks.checks import SHARE, Ask, Check, Checks
from probe_sandwich.files import write_atomically


class GeneralizerCallback:
    """Call `step` after every step of training and `finish` after the last one, and log what they return."""

    def __init__(
        self,
        model: nn.Module,
        ask: Ask,
        *,
        every: int | None = None,
        share: float = SHARE,
        best: Path | str | None = None,
    ) -> None:
        """`best`: where the state dict of the best model so far is kept; `every`, `share`: see `Checks`."""
        self.model = model
        self.best = None if best is None else Path(best)
        self.checks = Checks(ask, every, share, keeps_best=best is not None)

    def step(self) -> dict[str, float]:
        """Numbers to log by name; none where no check was due. Raises as `Checks.step` does."""
        return self._kept(self.checks.step())

    def finish(self) -> dict[str, float]:
        """Those of a last check when training ends; warns where no model was kept. Raises as `Checks.step` does."""
        return self._kept(self.checks.finish())

    def _kept(self, check: Check | None) -> dict[str, float]:
        if check is None:
            return {}
        if check.best and self.best is not None:
            content = io.BytesIO()
            torch.save(self.model.state_dict(), content)
            write_atomically(self.best, content.getvalue())
        return check.logs
