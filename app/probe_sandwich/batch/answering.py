"""From files to answers: heads are read first, to see what runs together; tensors when the turn of their stack comes.

An engine is anything that turns stacks of files into answers, in any order, on any machine that finds the files at the
same places. A bad file costs its own answer only.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from probe_sandwich.answer import Diagnosis, Progress
from probe_sandwich.batch.question import Answered, Question
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.subjects.checkpoint import CheckpointError
from probe_sandwich.subjects.stacks import AnyCheckpoint, stacks
from probe_sandwich.subjects.uploads import Upload, load_upload, open_upload
from probe_sandwich.tasks.datasets import NoFormulas
from probe_sandwich.tasks.given import UnusableInputs, read_given

FILES_A_STACK = 16
"""At most: answers come as their stack is done, and a stop loses one stack."""

AnsweringEngine = Callable[[Sequence[Sequence[Path]], Question], Iterator[list[Answered]]]
"""Runs `answer_stack` on every stack, somewhere, and yields the answers of each as it is done."""


class BatchFailed(RuntimeError):
    """A stack got no answer, though it was tried again."""


class FailedRun(RuntimeError):
    """A checkpoint that could be read failed while it was run."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"it failed while it was run ({type(error).__name__}: {str(error)[:200]})")


def answer_files(
    paths: Sequence[Path],
    question: Question,
    engine: AnsweringEngine | None = None,
    progress: Progress = lambda stage, detail: None,
) -> Iterator[Answered]:
    """One answer a file, those of a stack together. `engine`: by default this process, which tells `progress` of the
    stages of each stack. Raises `BatchFailed`."""
    uploads: list[Upload] = []
    for path in paths:
        try:
            uploads.append(open_upload(path))
        except (CheckpointError, OSError, MemoryError) as error:
            yield Answered.failed(path, error)
    together = [
        [uploads[number].path for number in numbers[start : start + FILES_A_STACK]]
        for numbers in stacks([upload.config for upload in uploads])
        for start in range(0, len(numbers), FILES_A_STACK)
    ]
    if engine is not None:
        for answers in engine(together, question):
            yield from answers
        return
    for stack in together:
        yield from answer_stack(stack, question, progress)


def answer_stack(
    paths: Sequence[Path], question: Question, progress: Progress = lambda stage, detail: None
) -> list[Answered]:
    """Answers about files of one shape, in their order; where one of them takes the stack with it, each runs alone."""
    loaded: dict[Path, AnyCheckpoint] = {}
    answers: dict[Path, Answered] = {}
    for path in paths:
        try:
            loaded[path] = load_upload(path)
        except (CheckpointError, OSError, MemoryError) as error:
            answers[path] = Answered.failed(path, error)
    try:
        answers |= _answers(loaded, question, progress) if loaded else {}
    except Exception as error:
        for path, checkpoint in loaded.items():
            answers[path] = _alone(path, checkpoint, error, question, progress, only=len(loaded) == 1)
    return [answers[path] for path in paths]


def _answers(loaded: dict[Path, AnyCheckpoint], question: Question, progress: Progress) -> dict[Path, Answered]:
    config = next(iter(loaded.values())).config
    given = read_given(question.inputs, question.labelled, config.task, config.train_max_length, config.classes)
    found: list[Diagnosis] = diagnose(
        list(loaded.values()),
        question.meta_classifier,
        torch.device(question.device),
        question.options,
        progress,
        given=given,
    )
    return {path: Answered(file=str(path), diagnosis=one) for path, one in zip(loaded, found, strict=True)}


def _alone(
    path: Path, checkpoint: AnyCheckpoint, error: Exception, question: Question, progress: Progress, *, only: bool
) -> Answered:
    """The answer about one file of a stack that failed; of an `only` one, the failure is known."""
    if not only:
        try:
            return _answers({path: checkpoint}, question, progress)[path]
        except Exception as own:
            error = own
    return Answered.failed(path, error if isinstance(error, NoFormulas | UnusableInputs) else FailedRun(error))
