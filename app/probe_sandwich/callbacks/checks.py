"""When a model in training is asked, what is logged of the answer, and whether it is the best so far."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from probe_sandwich.answer import Diagnosis, Verdict
from probe_sandwich.ranking import RANKED_DOUBTS
from probe_sandwich.subjects.foreign.errors import AnswersNothing

log = logging.getLogger("probe_sandwich.callbacks")
SHARE = 0.02
"""Of the time of training, what all checks together may take."""
Ask = Callable[[], Diagnosis]
"""Asks the model as it is now: `lambda: classify(model, reading, inputs=..., labelled=...)`."""


class NothingToKeepBy(ValueError):
    """The best checkpoint is to be kept, and nothing says when the model has learned its task."""

    def __init__(self) -> None:
        super().__init__(
            "the best checkpoint is one that has converged, and convergence shows on labelled inputs of at most T "
            "symbols: give classify some (labelled=...) and leave Options(direct_test=True), or keep no best one"
        )


@dataclass(frozen=True)
class Check:
    """What came of asking: numbers to log by name, and whether this model is the best so far."""

    logs: dict[str, float]
    best: bool


@dataclass
class Checks:
    """Asks from time to time: every so many steps or, by default, as often as takes a `share` of the training's time.

    The first step is always one of them: what `ask` raises, it raises before time is spent on training. By default
    the next comes when the time of all checks, one more among them, is less than that share.
    `keeps_best` wants a direct test, so that only a converged model is the best.
    """

    ask: Ask
    every: int | None = None
    share: float = SHARE
    keeps_best: bool = False
    clock: Callable[[], float] = time.perf_counter
    steps: int = field(default=0, init=False)
    spent: float = field(default=0.0, init=False)
    """Seconds of all checks."""
    _started: float = field(default=0.0, init=False)
    _last: float = field(default=0.0, init=False)
    _best: float = field(default=-1.0, init=False)
    _stale: bool = field(default=False, init=False)
    """Whether training has gone on since the last check."""
    _obstacle: str = field(default="it was never asked", init=False)
    """Why the last check kept nothing."""

    def step(self) -> Check | None:
        """Call after every step of training: a check where one was due. Raises as `ask` does, and
        `NothingToKeepBy`."""
        now = self.clock()
        if self.steps == 0:
            self._started = now
        self._stale = not self._due(now)
        self.steps += 1
        return None if self._stale else self._timed(now)

    def finish(self) -> Check | None:
        """Call when training ends: a last check, whatever its share, unless the last step was one. Warns with the
        reason where the best model was to be kept and none was. Raises as `step` does."""
        check = self._timed(self.clock()) if self._stale else None
        self._stale = False
        if self.keeps_best and self._best < 0:
            log.warning("no model was kept: at the last check %s", self._obstacle)
        return check

    def _timed(self, now: float) -> Check:
        check = self._asked()
        self._last = self.clock() - now
        self.spent += self._last
        check.logs["generalizer/seconds"] = self._last
        return check

    def _due(self, now: float) -> bool:
        if self.every is not None:
            return self.steps % self.every == 0
        training = now - self._started - self.spent
        return self.steps == 0 or self.spent + self._last <= self.share * training

    def _asked(self) -> Check:
        try:
            diagnosis = self.ask()
        except AnswersNothing as nothing:  # as a model does whose head begins at nothing
            self._obstacle = str(nothing)
            return Check({"generalizer/answered": 0.0}, False)
        test = diagnosis.direct_test
        if self.keeps_best and test is None:
            raise NothingToKeepBy
        self._obstacle = diagnosis.reason
        score = score_of(diagnosis)
        best = self.keeps_best and score is not None and score > self._best
        if best and score is not None:
            self._best = score
        return Check(logs_of(diagnosis), best)


def score_of(diagnosis: Diagnosis) -> float | None:
    """What checkpoints of one run are ordered by: P(generalizer), or the number that is withheld where it orders models
    all the same (`RANKED_DOUBTS`); None of a model that has not converged, and of one unlike the zoo's."""
    if diagnosis.doubt in RANKED_DOUBTS:
        return diagnosis.withheld_probability
    return diagnosis.generalizer_probability


def logs_of(diagnosis: Diagnosis) -> dict[str, float]:
    """Numbers by name, as TensorBoard and Weights & Biases take them. Where the verdict is `abstain`, `answered` is 0
    and the number that is withheld has a name of its own."""
    logs = {"generalizer/answered": float(diagnosis.verdict is not Verdict.ABSTAIN)}
    if diagnosis.generalizer_probability is not None:
        logs["generalizer/probability"] = diagnosis.generalizer_probability
    if diagnosis.probability_interval is not None:
        logs["generalizer/low"], logs["generalizer/high"] = diagnosis.probability_interval
    if diagnosis.withheld_probability is not None:
        logs["generalizer/withheld"] = diagnosis.withheld_probability
    if diagnosis.withheld_interval is not None:
        logs["generalizer/withheld_low"], logs["generalizer/withheld_high"] = diagnosis.withheld_interval
    if diagnosis.direct_test is not None:
        logs["generalizer/in_distribution_accuracy"] = diagnosis.direct_test.in_distribution_accuracy
    return logs
