"""One subject in, one diagnosis out: the sandwich's probability beside the direct length test."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from probe_sandwich.answer import (
    CheckpointSummary,
    Definition,
    Diagnosis,
    LengthTestResult,
    MetaClassifierSummary,
    ProbeReading,
    Progress,
    Timings,
    Verdict,
)
from probe_sandwich.length_test import bucket_formulas, buckets, run_length_test
from probe_sandwich.options import Options
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.meta_classifier import CARD, MetaClassifier, load_meta_classifier
from probe_sandwich.sandwich.prediction import Prediction
from probe_sandwich.sandwich.readout import moment_name
from probe_sandwich.subjects.batching import Cancelling, never
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.stacks import AnyCheckpoint
from probe_sandwich.subjects.subject import Subjects
from probe_sandwich.subjects.uploads import stacked
from probe_sandwich.verdict import SubjectPrediction, decide, probes_fit

SHOWN_PROBES = 16
MetaClassifiers = Mapping[str, MetaClassifier]
"""By the name of the task that they answer for."""


class SeveralMetaClassifiers(ValueError):
    """A folder holds two meta-classifiers for one task, and nothing says which of them should answer."""

    def __init__(self, task: str, folders: Sequence[Path]) -> None:
        super().__init__(
            f"{' and '.join(map(str, folders))} are both meta-classifiers for task {task}, and one answers for a task; "
            "move one of them elsewhere, or name one with `classify --model`"
        )


def load_meta_classifiers(folder: Path, device: torch.device) -> dict[str, MetaClassifier]:
    """All meta-classifiers below a folder, by task. Raises `SeveralMetaClassifiers`, `DamagedMetaClassifier`."""
    loaded: dict[str, MetaClassifier] = {}
    places: dict[str, Path] = {}
    for place in sorted(path.parent for path in folder.glob(f"*/{CARD}")):
        meta_classifier = load_meta_classifier(place, device)
        task = meta_classifier.card.task.name
        if task in loaded:
            raise SeveralMetaClassifiers(task, (places[task], place))
        loaded[task], places[task] = meta_classifier, place
    return loaded


def make_test_sets(meta_classifiers: MetaClassifiers) -> None:
    """Make the formulas of the default direct tests now, so that no user waits for them."""
    for meta in meta_classifiers.values():
        for bucket in buckets(meta.card.train_max_length):
            bucket_formulas(
                meta.card.task,
                bucket.min_length,
                bucket.max_length,
                Options().formulas_per_length,
                meta.card.definition.seed,
            )


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
    predictions: Sequence[SubjectPrediction | None] = [None] * len(checkpoints)
    probes: Sequence[list[ProbeReading]] = [[] for _ in checkpoints]
    if meta is not None and probes_fit(config, meta.card):
        predictions = _predictions(meta, subjects, options, cancelled)
        probes = _probe_readings(meta, subjects, options.seed, cancelled)
    sandwich_done = time.perf_counter()
    tests: Sequence[LengthTestResult | None] = [None] * len(checkpoints)
    if options.direct_test:
        tests = _direct_tests(meta, subjects, options, progress, cancelled)
    finished = time.perf_counter()
    timings = Timings(sandwich=sandwich_done - started, direct_test=finished - sandwich_done, total=finished - started)
    return [
        _diagnosis(checkpoint, meta, prediction, test, readings, str(device), timings)
        for checkpoint, prediction, test, readings in zip(checkpoints, predictions, tests, probes, strict=True)
    ]


def _predictions(
    meta: MetaClassifier, subjects: Subjects, options: Options, cancelled: Cancelling
) -> list[SubjectPrediction]:
    """The ensemble's prediction for every subject of a stack."""
    together = meta.predict(subjects, options.seed, options.noise_draws, cancelled)
    return [_row(together, row, meta.card, config.placing) for row, config in enumerate(subjects.configs)]


def _row(prediction: Prediction, row: int, card: Card, placing: Placing) -> SubjectPrediction:
    deviation = float(prediction.deviation[row])
    farthest = moment_name(card.sandwich, int(prediction.farthest[row]))
    moves = placing in (Placing.BY_POSITION, Placing.BY_FILLERS) and bool(prediction.moved[row])
    return SubjectPrediction(
        probability=float(prediction.probability[row]),
        interval=(float(prediction.low[row]), float(prediction.high[row])),
        unlikeness=float(prediction.unlikeness[row]),
        farthest=f"{farthest} is {abs(deviation):.1f} standard deviations {'above' if deviation > 0 else 'below'} "
        "theirs",
        split=bool(prediction.split(card.threshold)[row]),
        placed=moves or placing is Placing.NEEDLESS,
    )


def _probe_readings(
    meta: MetaClassifier, subjects: Subjects, seed: int, cancelled: Cancelling
) -> list[list[ProbeReading]]:
    """For every subject, the probes of the first noise draw with the largest finite margins."""
    texts, margins = meta.read_probes(subjects, seed, cancelled)
    readings = []
    for row in margins:
        finite = row.isfinite().nonzero()[:, 0]
        order = finite[row[finite].abs().argsort(descending=True)][:SHOWN_PROBES].tolist()
        readings.append([ProbeReading(text=texts[n], margin=round(float(row[n]), 4)) for n in order])
    return readings


def _direct_tests(
    meta: MetaClassifier | None, subjects: Subjects, options: Options, progress: Progress, cancelled: Cancelling
) -> list[LengthTestResult]:
    """The direct length test of every subject, by the definition of the meta-classifier's card."""
    definition = meta.card.definition if meta is not None else Definition()
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
    probes: list[ProbeReading],
    device: str,
    timings: Timings,
) -> Diagnosis:
    decision = decide(checkpoint.config, None if meta is None else meta.card, prediction, test)
    given = withheld = None
    if decision.verdict is not Verdict.ABSTAIN:
        given = prediction
    elif prediction is not None and prediction.finite and prediction.placed:
        withheld = prediction
    return Diagnosis(
        checkpoint=_checkpoint_summary(checkpoint),
        generalizer_probability=given.probability if given else None,
        probability_interval=given.interval if given else None,
        withheld_probability=withheld.probability if withheld else None,
        verdict=decision.verdict,
        reason=decision.reason,
        direct_test=test,
        agreement=decision.agreement,
        probes=probes,
        meta_classifier=None if meta is None else _meta_classifier_summary(meta.card),
        device=device,
        timings_seconds=timings,
    )


def _meta_classifier_summary(card: Card) -> MetaClassifierSummary:
    return MetaClassifierSummary(
        name=card.name, version=card.version, threshold=card.threshold, metrics=card.track_record
    )


def _checkpoint_summary(checkpoint: AnyCheckpoint) -> CheckpointSummary:
    config = checkpoint.config
    return CheckpointSummary(
        sha256=checkpoint.sha256,
        architecture=checkpoint.architecture,
        parameters=checkpoint.parameters,
        train_max_length=config.train_max_length,
        task=config.task.name,
    )
