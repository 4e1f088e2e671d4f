"""A model in training is asked seldom enough, and what is kept is the best of those that have learned their task."""

from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from probe_sandwich.answer import Diagnosis, Doubt, Verdict
from probe_sandwich.callbacks.checks import SHARE, Check, Checks, NothingToKeepBy
from probe_sandwich.subjects.foreign.errors import AnswersNothing

EXAMPLE = Diagnosis.model_validate_json((files("probe_sandwich.api") / "example_diagnosis.json").read_text())


def diagnosis(probability: float | None, **changes: Any) -> Diagnosis:
    interval = None if probability is None else (probability / 2, probability)
    facts = {"generalizer_probability": probability, "probability_interval": interval}
    return EXAMPLE.model_copy(update=facts | changes)


def withheld(probability: float, doubt: Doubt) -> Diagnosis:
    return diagnosis(
        None,
        verdict=Verdict.ABSTAIN,
        doubt=doubt,
        withheld_probability=probability,
        withheld_interval=(probability / 2, probability),
    )


class Clock:
    """Time that passes only where it is spent."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


def run_of(clock: Clock, checks: Checks, steps: int, seconds: float) -> Iterator[Check | None]:
    for _ in range(steps):
        clock.spend(seconds)
        yield checks.step()


def asking(clock: Clock, costs: Iterator[float]) -> Callable[[], Diagnosis]:
    def ask() -> Diagnosis:
        clock.spend(next(costs))
        return diagnosis(0.7)

    return ask


@pytest.mark.parametrize("costs", [[5.0] * 100, [5.0, 1.0, 20.0] * 40], ids=["even", "uneven"])
def test_all_checks_together_take_at_most_their_share(costs: list[float]) -> None:
    clock = Clock()
    checks = Checks(asking(clock, iter(costs)), clock=clock)
    made = 0
    for step, check in enumerate(run_of(clock, checks, 20_000, 0.5)):
        if check is not None:
            made += 1
            trained = 0.5 * (step + 1)
            assert made == 1 or sum(costs[: made - 1]) + costs[made - 2] <= SHARE * trained
    assert made >= 10
    assert sum(costs[:made]) > 0.75 * SHARE * 10_000


def test_the_first_step_is_a_check_so_that_what_cannot_be_asked_shows_early() -> None:
    clock = Clock()
    found = list(run_of(clock, Checks(asking(clock, iter([1.0])), clock=clock), 40, 1.0))
    assert [check is not None for check in found] == [True] + [False] * 39


def test_an_interval_of_ones_own_is_kept() -> None:
    clock = Clock()
    found = run_of(clock, Checks(asking(clock, iter([9.0] * 9)), every=3, clock=clock), 8, 1.0)
    assert [check is not None for check in found] == [True, False, False, True, False, False, True, False]


def test_what_is_logged_says_whether_there_is_a_verdict() -> None:
    told = Checks(lambda: diagnosis(0.8)).step()
    assert told is not None
    assert told.logs["generalizer/answered"] == 1.0
    assert told.logs["generalizer/probability"] == told.logs["generalizer/high"] == 0.8
    assert told.logs["generalizer/low"] == 0.4
    assert told.logs["generalizer/seconds"] > 0
    abstained = Checks(lambda: withheld(0.3, Doubt.UNTRUSTED_KIND)).step()
    assert abstained is not None
    assert abstained.logs["generalizer/answered"] == 0.0
    assert abstained.logs["generalizer/withheld"] == abstained.logs["generalizer/withheld_high"] == 0.3
    assert abstained.logs["generalizer/withheld_low"] == 0.15
    assert "generalizer/probability" not in abstained.logs


def test_the_best_is_the_likeliest_generalizer_among_the_converged() -> None:
    answers = iter(
        [
            withheld(0.99, Doubt.NOT_CONVERGED),
            diagnosis(0.4),
            withheld(0.6, Doubt.UNTRUSTED_KIND),
            diagnosis(0.5),
            diagnosis(0.7),
        ]
    )
    checks = Checks(lambda: next(answers), every=1, keeps_best=True)
    assert [check.best for check in (checks.step() for _ in range(5)) if check] == [False, True, True, False, True]


def test_nothing_is_kept_without_a_word_on_convergence() -> None:
    with pytest.raises(NothingToKeepBy, match="labelled"):
        Checks(lambda: diagnosis(0.5, direct_test=None), keeps_best=True).step()


def test_a_model_that_says_the_same_to_everything_is_trained_on() -> None:
    def ask() -> Diagnosis:
        raise AnswersNothing

    check = Checks(ask).step()
    assert check is not None
    assert check.logs["generalizer/answered"] == 0.0


def test_training_ends_with_a_check_unless_its_last_step_was_one() -> None:
    checks = Checks(lambda: diagnosis(0.7), every=2)
    assert [checks.step() is not None for _ in range(2)] == [True, False]
    assert checks.finish() is not None
    assert checks.finish() is None
    assert checks.step() is not None
    assert checks.finish() is None


def test_where_no_model_was_kept_the_reason_is_told(caplog: pytest.LogCaptureFixture) -> None:
    learning = withheld(0.9, Doubt.NOT_CONVERGED).model_copy(update={"reason": "it has not converged: 0.945"})
    answers = iter([learning, diagnosis(0.4)])
    checks = Checks(lambda: next(answers), every=2, keeps_best=True)
    checks.step()
    checks.finish()
    assert "no model was kept: at the last check it has not converged: 0.945" in caplog.text
    caplog.clear()
    checks.step()
    check = checks.finish()
    assert check is not None
    assert check.best
    assert not caplog.text
