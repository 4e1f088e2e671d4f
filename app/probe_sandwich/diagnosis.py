"""One subject in, one diagnosis out: the sandwich's probability beside the direct length test."""

import time
from collections.abc import Sequence
from typing import Any

import torch

from probe_sandwich.answer import (
    CheckpointSummary,
    Definition,
    Diagnosis,
    KeptAnswers,
    LengthTestResult,
    MetaClassifierSummary,
    ProbeContent,
    Progress,
    Timings,
    TrackRecord,
    Verdict,
    VerdictRecord,
)
from probe_sandwich.length_test import bucket_formulas, buckets, run_labelled_test, run_length_test
from probe_sandwich.options import Options
from probe_sandwich.sandwich.card import Card, KindRecord
from probe_sandwich.sandwich.inputs import Candidates, candidates_of, given_candidates
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.sandwich.placed_answers import PlacedAnswers
from probe_sandwich.sandwich.prediction import Prediction
from probe_sandwich.sandwich.prober import ProbeAnswers
from probe_sandwich.sandwich.readout import moment_name
from probe_sandwich.subjects.batching import Cancelling, never
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.stacks import AnyCheckpoint
from probe_sandwich.subjects.subject import SubjectFacts, Subjects
from probe_sandwich.subjects.uploads import stacked
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.given import GivenInputs
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.task import OwnTask
from probe_sandwich.verdict import Asked, SubjectPrediction, decide, missing_inputs

SHOWN_PROBES = 6
_FIGURE_DIGITS = 3
"""After the point, of the card's figures in an answer; their intervals are wider than that."""
_USUAL = Task(name=TaskName.CONJUNCTION), 12
"""Task and T of most checkpoints that are asked about: those of the bundled examples and of the larger zoo."""


def make_test_set(definition: Definition) -> None:
    """Draw the formulas of the usual direct test now, so that no user waits for them."""
    task, longest = _USUAL
    for bucket in buckets(longest):
        bucket_formulas(task, bucket.min_length, bucket.max_length, Options().formulas_per_length, definition.seed)


def diagnose(
    checkpoints: Sequence[AnyCheckpoint],
    meta: MetaClassifier | None,
    device: torch.device,
    options: Options = Options(),
    progress: Progress = lambda stage, detail: None,
    cancelled: Cancelling = never,
    given: GivenInputs = GivenInputs(),
) -> list[Diagnosis]:
    """Diagnose checkpoints that share shape, scheme, task and T (`batches` makes such lists), run as one stack.

    `meta`: the meta-classifier; without one nothing is asked but the direct test. `given`: inputs that came beside the
    checkpoints; unlabelled ones become probes, and the direct test runs on labelled ones.
    Raises `NoFormulas` where the direct test has none for this T, and `Cancelled`.
    """
    started = time.perf_counter()
    subjects = stacked(checkpoints, device)
    config = checkpoints[0].config
    progress("sandwich", "")
    predictions: Sequence[SubjectPrediction | None] = [None] * len(checkpoints)
    placed: PlacedAnswers | None = None
    content: ProbeContent | None = None
    if meta is not None:
        candidates = _candidates(config, given)
        content = candidates.content
        answers = meta.ask(subjects, options.seed, options.noise_draws, cancelled, candidates)
        placed = PlacedAnswers.of(answers, meta.card.sandwich, alphabet_of(config.task))
        predictions = _predictions(meta, subjects, answers, placed)
    sandwich_done = time.perf_counter()
    tests: Sequence[LengthTestResult | None] = [None] * len(checkpoints)
    if options.direct_test:
        tests = _direct_tests(meta, subjects, options, progress, cancelled, given)
    finished = time.perf_counter()
    timings = Timings(sandwich=sandwich_done - started, direct_test=finished - sandwich_done, total=finished - started)
    missing = missing_inputs(config, given, untested=options.direct_test and tests[0] is None)
    diagnoses = [
        _diagnosis(checkpoint, meta, prediction, test, content, missing, str(device), timings)
        for checkpoint, prediction, test in zip(checkpoints, predictions, tests, strict=True)
    ]
    if meta is None or placed is None:
        return diagnoses
    return [
        _with_placed_answers(diagnosis, placed, row, meta.card)
        if prediction is not None and prediction.finite and prediction.placed
        else diagnosis
        for row, (diagnosis, prediction) in enumerate(zip(diagnoses, predictions, strict=True))
    ]


def _candidates(config: SubjectFacts, given: GivenInputs) -> Candidates:
    """What probes are selected from."""
    if given.unlabelled:
        return given_candidates(config.task, config.train_max_length, given.unlabelled)
    return candidates_of(config.task, config.train_max_length)


def _predictions(
    meta: MetaClassifier, subjects: Subjects, answers: ProbeAnswers, placed: PlacedAnswers
) -> list[SubjectPrediction]:
    """The ensemble's prediction for every subject of a stack."""
    together, candidates = meta.judge(answers), answers.candidates
    long_inputs = int((candidates.lengths > subjects.configs[0].train_max_length // 2).sum())
    return [
        _row(together, row, meta.card, config.placing, Asked(candidates.content, long_inputs, placed.commonest(row)))
        for row, config in enumerate(subjects.configs)
    ]


def _row(prediction: Prediction, row: int, card: Card, placing: Placing, asked: Asked) -> SubjectPrediction:
    deviation = float(prediction.deviation[row])
    farthest = moment_name(card.sandwich, int(prediction.farthest[row]))
    moves = placing in (Placing.BY_POSITION, Placing.BY_FILLERS) and bool(prediction.moved[row])
    return SubjectPrediction(
        probability=float(prediction.probability[row]),
        interval=(float(prediction.low[row]), float(prediction.high[row])),
        members=tuple(prediction.members[:, row].tolist()),
        unlikeness=float(prediction.unlikeness[row]),
        farthest=f"{farthest} is {abs(deviation):.1f} standard deviations {'above' if deviation > 0 else 'below'} "
        "theirs",
        split=bool(prediction.split(card.threshold)[row]),
        placed=moves or placing is Placing.NEEDLESS,
        asked=asked,
    )


def _with_placed_answers(diagnosis: Diagnosis, placed: PlacedAnswers, row: int, card: Card) -> Diagnosis:
    """A diagnosis with what a person can see of what it rests on."""
    task = diagnosis.checkpoint.task
    of_its_task = card.kept_answers_by_task.get(task)
    kept = KeptAnswers(
        placements=placed.placements,
        shares=placed.shares(row),
        zoo=of_its_task or card.kept_answers,
        zoo_task=task if of_its_task else None,
    )
    return diagnosis.model_copy(update={"probes": placed.most_moved(row, SHOWN_PROBES), "kept_answers": kept})


def _direct_tests(
    meta: MetaClassifier | None,
    subjects: Subjects,
    options: Options,
    progress: Progress,
    cancelled: Cancelling,
    given: GivenInputs,
) -> Sequence[LengthTestResult | None]:
    """The direct length test of every subject, by the definition of the meta-classifier's card; None of a task of the
    user's own that came without labelled inputs."""
    definition = meta.card.definition if meta is not None else Definition()
    if given.labelled is not None:
        return run_labelled_test(subjects, given.labelled, definition, cancelled)
    if isinstance(subjects.configs[0].task, OwnTask):
        return [None] * len(subjects)
    return run_length_test(
        subjects,
        definition.model_copy(update={"formulas_per_bucket": options.formulas_per_length}),
        before_bucket=lambda bucket: progress("direct_test", bucket.relative),
        cancelled=cancelled,
    )


def _diagnosis(
    checkpoint: AnyCheckpoint,
    meta: MetaClassifier | None,
    prediction: SubjectPrediction | None,
    test: LengthTestResult | None,
    content: ProbeContent | None,
    missing: Sequence[str],
    device: str,
    timings: Timings,
) -> Diagnosis:
    decision = decide(checkpoint.config, None if meta is None else meta.card, prediction, test, missing)
    given = withheld = None
    if decision.verdict is not Verdict.ABSTAIN:
        given = prediction
    elif prediction is not None and prediction.finite and prediction.placed:
        withheld = prediction
    computed = given or withheld
    return Diagnosis(
        checkpoint=_checkpoint_summary(checkpoint),
        generalizer_probability=given.probability if given else None,
        probability_interval=given.interval if given else None,
        withheld_probability=withheld.probability if withheld else None,
        withheld_interval=withheld.interval if withheld else None,
        member_probabilities=list(computed.members) if computed else None,
        verdict=decision.verdict,
        doubt=decision.doubt,
        reason=decision.reason,
        direct_test=test,
        agreement=decision.agreement,
        probe_content=content,
        probes=[],
        meta_classifier=None if meta is None else _meta_classifier_summary(meta.card, checkpoint.config),
        device=device,
        timings_seconds=timings,
    )


def _meta_classifier_summary(card: Card, config: SubjectFacts) -> MetaClassifierSummary:
    record = card.record_of(config)
    task = None if record is card.other_tasks else config.task.name
    return MetaClassifierSummary(
        name=card.name,
        version=card.version,
        threshold=card.threshold,
        metrics=None if card.track_record is None else TrackRecord(**_rounded(card.track_record)),
        record=None if record is None else VerdictRecord(task=task, **_rounded(record)),
    )


def _rounded(figures: TrackRecord | KindRecord) -> dict[str, Any]:
    """Figures of the card as they are told; what is decided by them goes by the card."""
    told = figures.model_dump()
    return {name: round(value, _FIGURE_DIGITS) if isinstance(value, float) else value for name, value in told.items()}


def _checkpoint_summary(checkpoint: AnyCheckpoint) -> CheckpointSummary:
    config = checkpoint.config
    return CheckpointSummary(
        sha256=checkpoint.sha256,
        architecture=checkpoint.architecture,
        parameters=checkpoint.parameters,
        train_max_length=config.train_max_length,
        task=config.task.name,
    )
