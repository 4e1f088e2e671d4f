"""One subject in, one diagnosis out: the sandwich's probability beside the direct length test."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import torch
from pydantic import BaseModel, Field

from probe_sandwich.length_test import Definition, LengthTestResult, bucket_formulas, buckets, run_length_test
from probe_sandwich.options import Options
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.meta_classifier import CARD, MetaClassifier, Prediction, load_meta_classifier
from probe_sandwich.sandwich.readout import moment_name
from probe_sandwich.subjects.batching import BATCH_BYTES, Cancelling, never
from probe_sandwich.subjects.checkpoint import Checkpoint
from probe_sandwich.subjects.config import Placing, SubjectConfig
from probe_sandwich.subjects.subject import SubjectFacts, Subjects
from probe_sandwich.subjects.transformer import parameter_count
from probe_sandwich.subjects.uploads import stacked

if TYPE_CHECKING:
    from probe_sandwich.subjects.hugging_face import ForeignCheckpoint

AnyCheckpoint = Union[Checkpoint, "ForeignCheckpoint"]
Progress = Callable[[str, str], None]
"""Told the name of each stage as it starts, and where within it."""
SHOWN_PROBES = 16
_FLIPPED, _CHANCE = 0.4, 0.6
_NAMED = 8
_STACK_BYTES = 256 * 2**20


class Verdict(StrEnum):
    """The sandwich's answer."""

    GENERALIZER = "generalizer"
    NOT_GENERALIZER = "not_generalizer"
    ABSTAIN = "abstain"


class Agreement(StrEnum):
    """Whether sandwich and direct test say the same; undecided where one of them says nothing."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNDECIDED = "undecided"


class CheckpointSummary(BaseModel):
    """The uploaded subject."""

    sha256: str
    architecture: str
    parameters: int
    train_max_length: int
    task: str


class MetaClassifierSummary(BaseModel):
    """The meta-classifier that answered, and how good its card says it is."""

    name: str
    version: int
    threshold: float
    metrics: dict[str, Any]


class Timings(BaseModel):
    """Seconds by stage."""

    sandwich: float
    direct_test: float
    total: float


class ProbeReading(BaseModel):
    """A probe of the first noise draw, each position by its likeliest symbol, and what the subject said to it."""

    text: str
    margin: float = Field(description="logit of satisfiable less that of unsatisfiable")


class Diagnosis(BaseModel):
    """The whole answer about one subject."""

    checkpoint: CheckpointSummary
    generalizer_probability: float | None = Field(
        description="P(generalizer), where there is a verdict; null where the verdict is `abstain`"
    )
    probability_interval: tuple[float, float] | None = Field(
        description="where nine in ten further members of the ensemble, trained on other parts of the zoo and reading "
        "other noise, would put P. It says how far the members agree, not where the truth lies: all of them can be "
        "wrong together, the more so on a subject unlike the zoo's"
    )
    withheld_probability: float | None = Field(
        default=None,
        description="not an answer: the number that was computed where the verdict is `abstain`, kept for those who "
        "study abstaining. The question does not apply to this subject, or the ensemble does not know; null where "
        "there is a verdict, and where no probe could be asked or placed",
    )
    verdict: Verdict
    reason: str
    direct_test: LengthTestResult | None
    agreement: Agreement
    probes: list[ProbeReading] = Field(description="those with the largest finite margins")
    meta_classifier: MetaClassifierSummary | None
    device: str
    timings_seconds: Timings


MetaClassifiers = Mapping[str, MetaClassifier]
"""By the name of the task that they answer for."""


def load_meta_classifiers(folder: Path, device: torch.device) -> dict[str, MetaClassifier]:
    """All meta-classifiers below a folder, by task. Raises `DamagedMetaClassifier`."""
    loaded = (load_meta_classifier(path.parent, device) for path in sorted(folder.glob(f"*/{CARD}")))
    return {meta_classifier.card.task.name: meta_classifier for meta_classifier in loaded}


def diagnose(
    checkpoints: Sequence[AnyCheckpoint],
    meta_classifiers: MetaClassifiers,
    device: torch.device,
    options: Options = Options(),
    progress: Progress = lambda stage, detail: None,
    cancelled: Cancelling = never,
) -> list[Diagnosis]:
    """Diagnose checkpoints that share shape, scheme, task and T (`batches` makes such lists), run as one stack.

    Raises `NoFormulas` where the direct test has none for this T, and `Cancelled`.
    """
    started = time.perf_counter()
    subjects = stacked(checkpoints, device)
    config = checkpoints[0].config
    meta = meta_classifiers.get(config.task.name)
    progress("sandwich", "")
    prediction = None
    probes: list[list[ProbeReading]] = [[] for _ in checkpoints]
    if meta is not None and asks_sandwich(meta, config):
        prediction = meta.predict(subjects, options.seed, options.noise_draws, cancelled)
        probes = _probe_readings(meta, subjects, options.seed, cancelled)
    sandwich_done = time.perf_counter()
    tests: Sequence[LengthTestResult | None] = [None] * len(checkpoints)
    if options.direct_test:
        definition = meta.card.definition if meta is not None else Definition()
        tests = run_length_test(
            subjects,
            definition.model_copy(update={"formulas_per_bucket": options.formulas_per_length}),
            before_bucket=lambda bucket: progress("direct_test", bucket.relative),
            cancelled=cancelled,
        )
    finished = time.perf_counter()
    timings = Timings(sandwich=sandwich_done - started, direct_test=finished - sandwich_done, total=finished - started)
    summary = None if meta is None else _meta_summary(meta)
    diagnoses = []
    for row, (checkpoint, test) in enumerate(zip(checkpoints, tests, strict=True)):
        answer = None
        if meta is not None and prediction is not None:
            answer = _Answer.of(prediction, row, meta.card, checkpoint.config.placing)
        verdict, reason = _verdict(checkpoint.config, meta, answer, test)
        told = answer if verdict is not Verdict.ABSTAIN else None
        withheld = answer if told is None and answer is not None and answer.finite and answer.placed else None
        diagnoses.append(
            Diagnosis(
                checkpoint=_summary(checkpoint),
                generalizer_probability=told.probability if told else None,
                probability_interval=told.interval if told else None,
                withheld_probability=withheld.probability if withheld else None,
                verdict=verdict,
                reason="; ".join((reason, *_remarks(checkpoint.config, test))),
                direct_test=test,
                agreement=_agreement(verdict, test),
                probes=probes[row],
                meta_classifier=summary,
                device=str(device),
                timings_seconds=timings,
            )
        )
    return diagnoses


@dataclass(frozen=True)
class _Answer:
    """The ensemble's prediction for one subject."""

    probability: float
    interval: tuple[float, float]
    unlikeness: float
    farthest: str
    """In words, where it lies farthest from the zoo's subjects."""
    split: bool
    """Whether the ensemble's members are of two minds."""
    placed: bool
    """Whether the probes stood where they were put."""

    @staticmethod
    def of(prediction: Prediction, row: int, card: Card, placing: Placing) -> "_Answer":
        deviation = float(prediction.deviation[row])
        farthest = moment_name(card.sandwich, int(prediction.farthest[row]))
        moves = placing in (Placing.BY_POSITION, Placing.BY_FILLERS) and bool(prediction.moved[row])
        return _Answer(
            float(prediction.probability[row]),
            (float(prediction.low[row]), float(prediction.high[row])),
            float(prediction.unlikeness[row]),
            f"{farthest} is {abs(deviation):.1f} standard deviations {'above' if deviation > 0 else 'below'} theirs",
            bool(prediction.split(card.threshold)[row]),
            moves or placing is Placing.NEEDLESS,
        )

    @property
    def finite(self) -> bool:
        """False where a subject of finite weights overflows on the probes."""
        return all(map(math.isfinite, (self.probability, *self.interval, self.unlikeness)))


def asks_sandwich(meta: MetaClassifier, config: SubjectFacts) -> bool:
    """Whether probes are no longer than what the subject was trained on."""
    return meta.card.sandwich.probe_length <= config.train_max_length


def batches(checkpoints: Sequence[AnyCheckpoint]) -> list[list[int]]:
    """Positions of checkpoints that can be diagnosed together."""
    return stacks([checkpoint.config if isinstance(checkpoint, Checkpoint) else None for checkpoint in checkpoints])


def stacks(configs: Sequence[SubjectConfig | None]) -> list[list[int]]:
    """The same from configs alone, None for a foreign model: what can be diagnosed together, within a stack's bytes."""
    together: dict[tuple[Any, ...], list[int]] = {}
    for number, config in enumerate(configs):
        key: tuple[Any, ...] = (number,)
        if config is not None:
            # A stack of several position schemes computes each of them for every subject.
            key = (config.shape, config.scheme, config.task, config.train_max_length, config.longest_formula)
        together.setdefault(key, []).append(number)
    cut: list[list[int]] = []
    for numbers in together.values():
        config = configs[numbers[0]]
        most = 1 if config is None else _stack_rows(config)
        cut += [numbers[start : start + most] for start in range(0, len(numbers), most)]
    return cut


def _stack_rows(config: SubjectConfig) -> int:
    """How many subjects of a config a stack holds: by weights, and so that some rows of each still run at once."""
    by_weights = _STACK_BYTES // (4 * parameter_count(config))
    by_rows = BATCH_BYTES["cpu"] // (8 * config.size.row_bytes(1 + 4 * config.train_max_length))
    return max(1, min(by_weights, by_rows))


def warm_up(meta_classifiers: MetaClassifiers) -> None:
    """Make the default test sets now, so that no user waits for them."""
    for meta in meta_classifiers.values():
        for bucket in buckets(meta.card.train_max_length):
            bucket_formulas(
                meta.card.task,
                bucket.min_length,
                bucket.max_length,
                Options().formulas_per_length,
                meta.card.definition.seed,
            )


def _probe_readings(
    meta: MetaClassifier, subjects: Subjects, seed: int, cancelled: Cancelling
) -> list[list[ProbeReading]]:
    texts, margins = meta.read_probes(subjects, seed, cancelled)
    readings = []
    for row in margins:
        finite = row.isfinite().nonzero()[:, 0]
        order = finite[row[finite].abs().argsort(descending=True)][:SHOWN_PROBES].tolist()
        readings.append([ProbeReading(text=texts[n], margin=round(float(row[n]), 4)) for n in order])
    return readings


def _verdict(
    config: SubjectFacts,
    meta: MetaClassifier | None,
    answer: _Answer | None,
    test: LengthTestResult | None,
) -> tuple[Verdict, str]:
    if meta is None:
        return Verdict.ABSTAIN, f"no meta-classifier for task {config.task.name} is loaded"
    if answer is None:
        return Verdict.ABSTAIN, (
            f"the probes have {meta.card.sandwich.probe_length} symbols, but the subject was trained on at most "
            f"{config.train_max_length}"
        )
    if answer.finite and not answer.placed:
        return Verdict.ABSTAIN, (
            "its positions cannot be chosen, so that every probe stands at its usual places wherever it is put; what "
            "tells generalizers is how a subject answers further out"
        )
    doubt = _doubt(config, meta, answer, test)
    if doubt is not None:
        return Verdict.ABSTAIN, doubt
    threshold = meta.card.threshold
    verdict = Verdict.GENERALIZER if answer.probability >= threshold else Verdict.NOT_GENERALIZER
    relation = "at or above" if answer.probability >= threshold else "below"
    return verdict, f"P(generalizer) = {answer.probability:.2f} is {relation} the threshold {threshold:.2f}"


def _doubt(config: SubjectFacts, meta: MetaClassifier, answer: _Answer, test: LengthTestResult | None) -> str | None:
    """Why the question does not apply to this subject, if it does not."""
    if config.train_max_length != meta.card.train_max_length or config.task != meta.card.task:
        return (
            f"the zoo holds subjects of T = {meta.card.train_max_length} on its own task parameters; this one has "
            f"T = {config.train_max_length}"
        )
    if not answer.finite:
        return "its responses are not finite numbers: it overflows in single precision"
    if answer.unlikeness > 1:
        return (
            f"its responses are unlike those of the zoo's subjects, {answer.unlikeness:.1f} times as far from them as "
            f"the limit: {answer.farthest}"
        )
    if test is not None and not test.converged:
        return (
            f"it has not converged: accuracy {test.in_distribution_accuracy:.3f} on lengths it was trained on, and the "
            f"question is asked from {test.definition.convergence_cut} on"
        )
    if answer.split:
        return "the members of the ensemble are of two minds: more than a quarter of them say the opposite of the rest"
    return None


def _remarks(config: SubjectFacts, test: LengthTestResult | None) -> list[str]:
    """What a reader should know whatever the verdict: what nobody asked about, and what looks like a slip."""
    remarks = []
    if config.untested_symbols:
        named = " ".join(config.untested_symbols[:_NAMED]) + " …" * (len(config.untested_symbols) > _NAMED)
        remarks.append(f"no formula here holds {named} of its vocabulary: nothing is said about those")
    if test is None or test.converged:
        return remarks
    if test.in_distribution_accuracy < _FLIPPED:
        remarks.append("it is mostly wrong on lengths it was trained on: check that class 1 means satisfiable")
    elif test.in_distribution_accuracy < _CHANCE:
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


def _meta_summary(meta: MetaClassifier) -> MetaClassifierSummary:
    card = meta.card
    return MetaClassifierSummary(name=card.name, version=card.version, threshold=card.threshold, metrics=card.metrics)


def _summary(checkpoint: AnyCheckpoint) -> CheckpointSummary:
    config = checkpoint.config
    return CheckpointSummary(
        sha256=checkpoint.sha256,
        architecture=checkpoint.architecture,
        parameters=checkpoint.parameters,
        train_max_length=config.train_max_length,
        task=config.task.name,
    )
