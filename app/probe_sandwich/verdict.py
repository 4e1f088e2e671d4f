"""When the sandwich gives a verdict, when it abstains, and why."""

import math
from dataclasses import dataclass

from probe_sandwich.answer import Agreement, LengthTestResult, Verdict
from probe_sandwich.sandwich.card import Card
from probe_sandwich.subjects.subject import SubjectFacts

_MOSTLY_WRONG, _AT_CHANCE = 0.4, 0.6
"""In-distribution accuracies below which a subject's labels look exchanged, and its input misread."""
_MOST_NAMED = 8
"""Symbols that a remark names."""


@dataclass(frozen=True)
class SubjectPrediction:
    """The ensemble's prediction for one subject."""

    probability: float
    interval: tuple[float, float]
    unlikeness: float
    """Distance of the subject's responses from those of the zoo, in units of the limit."""
    farthest: str
    """Where they lie farthest from the zoo's, in words."""
    split: bool
    """Whether more than a quarter of the members disagree with the ensemble."""
    placed: bool
    """Whether the subject read each probe at the places chosen for it."""

    @property
    def finite(self) -> bool:
        """False where a subject of finite weights overflows on the probes."""
        return all(map(math.isfinite, (self.probability, *self.interval, self.unlikeness)))


@dataclass(frozen=True)
class Decision:
    """A verdict with its reason, and whether the direct test agrees."""

    verdict: Verdict
    reason: str
    agreement: Agreement


def decide(
    config: SubjectFacts, card: Card | None, prediction: SubjectPrediction | None, test: LengthTestResult | None
) -> Decision:
    """The decision about a subject, from the card of its task's meta-classifier, if there is one, the prediction, where
    the probes fit, and the direct test, where it was run."""
    verdict, reason = _verdict(config, card, prediction, test)
    return Decision(verdict, "; ".join((reason, *_remarks(config, test))), _agreement(verdict, test))


def probes_fit(config: SubjectFacts, card: Card) -> bool:
    """Whether the probes are no longer than what the subject was trained on."""
    return card.sandwich.probe_length <= config.train_max_length


def _verdict(
    config: SubjectFacts, card: Card | None, prediction: SubjectPrediction | None, test: LengthTestResult | None
) -> tuple[Verdict, str]:
    if card is None:
        return Verdict.ABSTAIN, f"no meta-classifier for task {config.task.name} is loaded"
    if prediction is None:
        return Verdict.ABSTAIN, (
            f"the probes have {card.sandwich.probe_length} symbols, but the subject was trained on at most "
            f"{config.train_max_length}"
        )
    if prediction.finite and not prediction.placed:
        return Verdict.ABSTAIN, (
            "its positions cannot be chosen, so that every probe stands at its usual places wherever it is put; what "
            "tells generalizers is how a subject answers further out"
        )
    doubt = _doubt(config, card, prediction, test)
    if doubt is not None:
        return Verdict.ABSTAIN, doubt
    above = prediction.probability >= card.threshold
    verdict, relation = (Verdict.GENERALIZER, "at or above") if above else (Verdict.NOT_GENERALIZER, "below")
    return verdict, f"P(generalizer) = {prediction.probability:.2f} is {relation} the threshold {card.threshold:.2f}"


def _doubt(
    config: SubjectFacts, card: Card, prediction: SubjectPrediction, test: LengthTestResult | None
) -> str | None:
    """The first reason to distrust the prediction for this subject, or None."""
    if config.train_max_length != card.train_max_length or config.task != card.task:
        return (
            f"the zoo holds subjects of T = {card.train_max_length} on its own task parameters; this one has "
            f"T = {config.train_max_length}"
        )
    if not prediction.finite:
        return "its responses are not finite numbers: it overflows in single precision"
    if prediction.unlikeness > 1:
        return (
            f"its responses are unlike those of the zoo's subjects, {prediction.unlikeness:.1f} times as far from them "
            f"as the limit: {prediction.farthest}"
        )
    if test is not None and not test.converged:
        return (
            f"it has not converged: accuracy {test.in_distribution_accuracy:.3f} on lengths it was trained on, and the "
            f"question is asked from {test.definition.convergence_cut} on"
        )
    if prediction.split:
        return "the members of the ensemble are of two minds: more than a quarter of them say the opposite of the rest"
    return None


def _remarks(config: SubjectFacts, test: LengthTestResult | None) -> list[str]:
    """What a reader should know whatever the verdict: symbols that nothing was tested on, and what looks like a slip in
    the config."""
    remarks = []
    if config.untested_symbols:
        named = " ".join(config.untested_symbols[:_MOST_NAMED]) + " …" * (len(config.untested_symbols) > _MOST_NAMED)
        remarks.append(f"no formula here holds {named} of its vocabulary: nothing is said about those")
    if test is None or test.converged:
        return remarks
    if test.in_distribution_accuracy < _MOSTLY_WRONG:
        remarks.append("it is mostly wrong on lengths it was trained on: check that class 1 means satisfiable")
    elif test.in_distribution_accuracy < _AT_CHANCE:
        remarks.append(
            "it is at chance on lengths it was trained on: check the begin and end symbols, the order of the "
            "vocabulary, and its task"
        )
    else:
        remarks.append(
            f"if its own training reported more than {test.in_distribution_accuracy:.3f} on lengths it was trained on, "
            "check the begin and end symbols and the order of the vocabulary"
        )
    return remarks


def _agreement(verdict: Verdict, test: LengthTestResult | None) -> Agreement:
    if verdict is Verdict.ABSTAIN or test is None or test.long_accuracy is None:
        return Agreement.UNDECIDED
    return Agreement.AGREE if (verdict is Verdict.GENERALIZER) == test.generalizer else Agreement.DISAGREE
