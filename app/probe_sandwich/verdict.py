"""When the sandwich gives a verdict, when it abstains, and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from probe_sandwich.answer import Agreement, Doubt, LengthTestResult, ProbeContent, Verdict
from probe_sandwich.sandwich.card import Card
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.subject import SubjectFacts
from probe_sandwich.tasks.given import ENOUGH, GivenInputs
from probe_sandwich.tasks.logic.tasks import Task as LogicTask
from probe_sandwich.tasks.task import OwnTask

_MOSTLY_WRONG, _NEAR_CHANCE = 0.4, 0.6
"""In-distribution accuracies below which a subject's labels look exchanged, and its input misread."""
_MOST_NAMED = 8
"""Symbols that a remark names."""
_LEAST_SHARE = 0.05
"""Of given probes, that get another answer than the commonest. Drawn ones are of two classes half and half."""
UNLIKE = 1.5
"""Distance from the zoo, in units of its limit, from which nothing is said. A zoo of many tasks is wide: of foreign
models with fresh weights 0.80 lie within, with shuffled ones 0.85 (docs/evidence.md); the direct test tells what has
not converged."""
_UNMEASURED = (
    "how often this meta-classifier's verdicts are right was not measured (`probe-sandwich evaluate` does that)"
)
_IF_ALIKE = "it holds if the inputs that were given are like those it was trained on"
_UNTESTED = "it takes for granted that the model has converged, which was not tested"


@dataclass(frozen=True)
class Asked:
    """What a subject was asked about, and whether it told inputs apart."""

    content: ProbeContent
    long_inputs: int
    """Different inputs of more than half of T among those that noise selects from."""
    commonest: float
    """Share of the probes that got the commonest answer at the usual places."""


@dataclass(frozen=True)
class SubjectPrediction:
    """The ensemble's prediction for one subject."""

    probability: float
    interval: tuple[float, float]
    members: tuple[float, ...]
    """What each member says."""
    unlikeness: float
    """Distance of the subject's responses from those of the zoo, in units of the limit."""
    farthest: str
    """Where they lie farthest from the zoo's, in words."""
    split: bool
    """Whether more than a quarter of the members disagree with the ensemble."""
    placed: bool
    """Whether the subject read each probe at the places chosen for it."""
    asked: Asked

    @property
    def finite(self) -> bool:
        """False where a subject of finite weights overflows on the probes."""
        return all(map(math.isfinite, (self.probability, *self.interval, *self.members, self.unlikeness)))


@dataclass(frozen=True)
class Decision:
    """A verdict with its reason, and whether the direct test agrees."""

    verdict: Verdict
    doubt: Doubt | None
    reason: str
    agreement: Agreement


def decide(
    config: SubjectFacts,
    card: Card | None,
    prediction: SubjectPrediction | None,
    test: LengthTestResult | None,
    missing: Sequence[str] = (),
) -> Decision:
    """The decision about a subject, from the meta-classifier's card and prediction, if there is one, and the direct
    test, where it was run. `missing`: what was not given, and what that costs."""
    verdict, doubt, reason = _verdict(config, card, prediction, test)
    remarks = (reason, *_granted(verdict, card, prediction, test), *missing, *_remarks(config, test))
    return Decision(verdict, doubt, "; ".join(remarks), _agreement(verdict, test))


def missing_inputs(config: SubjectFacts, given: GivenInputs, *, untested: bool) -> list[str]:
    """What a user could give to get a better answer, or need not. `untested`: the direct test was wanted, and nothing
    to run it on was there."""
    missing = []
    if given.left_out:
        missing.append(
            f"the inputs that came with it were left out: task {config.task.name} is built in, and its own are drawn"
        )
    if untested:
        missing.append(
            f"the direct test was left out, as there are no labelled inputs of task {config.task.name}: give some of "
            f"up to 4T symbols (`labelled`), at least {ENOUGH} of them of at most T symbols, to have it run"
        )
    return missing


def _verdict(
    config: SubjectFacts, card: Card | None, prediction: SubjectPrediction | None, test: LengthTestResult | None
) -> tuple[Verdict, Doubt | None, str]:
    if card is None or prediction is None:
        return Verdict.ABSTAIN, Doubt.NO_META_CLASSIFIER, "no meta-classifier is loaded"
    doubt = _doubt(config, card, prediction, test)
    if doubt is not None:
        return Verdict.ABSTAIN, *doubt
    above = prediction.probability >= card.threshold
    verdict, relation = (Verdict.GENERALIZER, "at or above") if above else (Verdict.NOT_GENERALIZER, "below")
    reason = f"P(generalizer) = {prediction.probability:.2f} is {relation} the threshold {card.threshold:.2f}"
    return verdict, None, reason


def _untrusted_kind(config: SubjectFacts, card: Card) -> str | None:
    """Why no verdict is given on subjects of this kind, whatever the prediction, or None."""
    record = card.record_of(config)
    if record is None or record.trusted:
        return None
    judged = (
        f"{round(record.subjects * record.answered)} of {record.subjects}"
        if record.least_confidence
        else record.subjects
    )
    sure = f", those with P at least {record.least_confidence:.3g} from 0.5" if record.least_confidence else ""
    return (
        f"on {judged} subjects of {_kind(config, card)}{sure}, {_share(record.accuracy)} of the verdicts were "
        f"right, too few to give one; the number that is withheld orders them with an AUC of {_share(record.auc)}"
    )


def _kind(config: SubjectFacts, card: Card) -> str:
    """The subjects whose record says what a verdict on this one is worth, in words."""
    own = f"task {config.task.name}"
    if card.record_of(config) is not card.other_tasks:
        return own
    known = f" (of {own} too few were judged, or of one label)" if config.task.name in card.tasks else ""
    return f"tasks that were left out of the training{known}"


def _not_sure_enough(config: SubjectFacts, card: Card, prediction: SubjectPrediction) -> str | None:
    """Why no verdict is given on a kind of subject that is answered only where the sandwich is sure, or None."""
    record = card.record_of(config)
    distance = abs(prediction.probability - 0.5)
    if record is None or distance >= record.least_confidence:
        return None
    return (
        f"on {_kind(config, card)}, verdicts were right often enough only where P was at least "
        f"{record.least_confidence:.3g} from 0.5; P is {prediction.probability:.2f}, {distance:.2f} from it"
    )


def _doubt(
    config: SubjectFacts, card: Card, prediction: SubjectPrediction, test: LengthTestResult | None
) -> tuple[Doubt, str] | None:
    """The first reason not to answer for this subject, by name and in words, or None."""
    if not prediction.finite:
        return Doubt.NOT_FINITE, "its responses are not finite numbers: it overflows in single precision"
    if test is not None and not test.converged:
        return (
            Doubt.NOT_CONVERGED,
            f"it has not converged: accuracy {test.in_distribution_accuracy:.3f} on lengths it was trained on, and "
            f"whether it generalizes is asked only from {test.definition.convergence_cut} on",
        )
    if not prediction.placed:
        return (
            Doubt.NOT_PLACED,
            "its positions cannot be chosen, so that every probe stands at its usual places wherever it is put; what "
            "tells generalizers is how a subject answers further out",
        )
    return _doubt_of_the_probes(config, prediction.asked) or _doubt_of_the_responses(config, card, prediction)


def _doubt_of_the_probes(config: SubjectFacts, asked: Asked) -> tuple[Doubt, str] | None:
    """What verdicts are worth was measured on drawn inputs: others must be as long, as many, and of two classes."""
    longest = config.train_max_length
    wanted = f"at least {ENOUGH} different ones of {longest // 2 + 1} to {longest} symbols"
    if asked.content is ProbeContent.BARE:
        return (
            Doubt.BARE_PROBES,
            "no inputs of its task are at hand, so that the probes are random strings of the alphabet, which tell "
            f"little: give unlabelled inputs of task {config.task.name} (`inputs`), {wanted}",
        )
    if asked.content is not ProbeContent.GIVEN:
        return None
    if asked.long_inputs < ENOUGH:
        return (
            Doubt.TOO_FEW_INPUTS,
            f"{asked.long_inputs} of the unlabelled inputs that were given can be probes: give {wanted}",
        )
    if 1 - asked.commonest < _LEAST_SHARE:
        return (
            Doubt.ONE_ANSWER,
            f"it gives the same answer to {asked.commonest:.0%} of the probes, and what tells generalizers is whether "
            "it still tells inputs apart further out: give unlabelled inputs (`inputs`) of two classes, half and half",
        )
    return None


def _doubt_of_the_responses(
    config: SubjectFacts, card: Card, prediction: SubjectPrediction
) -> tuple[Doubt, str] | None:
    """What one subject's responses say comes before what is known of its kind."""
    if prediction.unlikeness > UNLIKE:
        return (
            Doubt.UNLIKE_THE_ZOO,
            f"its responses are unlike those of the zoo's subjects, {prediction.unlikeness:.1f} times as far from them "
            f"as the limit: {prediction.farthest}",
        )
    untrusted = _untrusted_kind(config, card) or _not_sure_enough(config, card, prediction)
    if untrusted is not None:
        return Doubt.UNTRUSTED_KIND, untrusted
    if prediction.split:
        return (
            Doubt.MEMBERS_DISAGREE,
            "the members of the ensemble are of two minds: more than a quarter of them say the opposite of the rest",
        )
    return None


def _granted(
    verdict: Verdict, card: Card | None, prediction: SubjectPrediction | None, test: LengthTestResult | None
) -> list[str]:
    """What a verdict takes for granted."""
    if verdict is Verdict.ABSTAIN:
        return []
    given = prediction is not None and prediction.asked.content is ProbeContent.GIVEN
    unmeasured = card is not None and card.track_record is None
    return [_IF_ALIKE] * given + [_UNTESTED] * (test is None) + [_UNMEASURED] * unmeasured


def _remarks(config: SubjectFacts, test: LengthTestResult | None) -> list[str]:
    """What a reader should know whatever the verdict: places that it has not, symbols that nothing was tested on, and
    what looks like a slip in the config."""
    remarks = []
    longest = config.longest_formula
    if config.placing is Placing.BY_POSITION and longest is not None and longest < 2 * config.train_max_length:
        remarks.append(
            f"its position table ends at {longest} symbols, short of 2T = {2 * config.train_max_length}: probes that "
            "are placed further out stand at its last place"
        )
    if config.untested_symbols:
        named = " ".join(config.untested_symbols[:_MOST_NAMED]) + " …" * (len(config.untested_symbols) > _MOST_NAMED)
        remarks.append(f"no input here holds {named} of its vocabulary: nothing is said about those")
    if test is None or test.converged:
        return remarks
    # Of two classes, that is: who chooses from more is at chance further down.
    mostly_wrong, near_chance = (2 * share / config.classes for share in (_MOSTLY_WRONG, _NEAR_CHANCE))
    if test.in_distribution_accuracy < mostly_wrong:
        remarks.append(f"it is mostly wrong on lengths it was trained on: check that {_meaning_of_classes(config)}")
    elif test.in_distribution_accuracy < near_chance:
        remarks.append(
            f"it is {_at_or_near(test, 1 / config.classes)} chance on lengths it was trained on: check the begin and "
            "end symbols, the order of the vocabulary, and its task"
        )
    else:
        remarks.append(
            f"if its own training reported more than {test.in_distribution_accuracy:.3f} on lengths it was trained on, "
            "check the begin and end symbols and the order of the vocabulary"
        )
    return remarks


def _at_or_near(test: LengthTestResult, chance: float) -> str:
    """`at` where the interval of the accuracy on (0, T] holds chance."""
    low, high = test.buckets[0].accuracy_low, test.buckets[0].accuracy_high
    return "at" if low is not None and high is not None and low <= chance <= high else "near"


def _meaning_of_classes(config: SubjectFacts) -> str:
    if isinstance(config.task, OwnTask):
        return "its classes have the numbers of the labels"
    return f"class 1 means {'satisfiable' if isinstance(config.task, LogicTask) else 'in the language'}"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _agreement(verdict: Verdict, test: LengthTestResult | None) -> Agreement:
    if verdict is Verdict.ABSTAIN or test is None or test.long_accuracy is None:
        return Agreement.UNDECIDED
    return Agreement.AGREE if (verdict is Verdict.GENERALIZER) == test.generalizer else Agreement.DISAGREE
