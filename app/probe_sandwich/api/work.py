"""One job in the worker process: every file of it costs at most its own result, and brief jobs need not wait for it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Literal

import torch
from pydantic import BaseModel

from probe_sandwich.api.given_once import GivenOnce
from probe_sandwich.api.messages import Cancel, Done, Job, Outcome, Resume, Stage, to_worker
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.refusals import problem_of
from probe_sandwich.cost import Cost, TooCostly, estimate, reading_cost
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.sandwich.meta_classifier import MetaClassifier
from probe_sandwich.subjects.batching import Cancelled, stop_if
from probe_sandwich.subjects.checkpoint import Checkpoint, CheckpointError, UnreadableFile, UnrunnableModel
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.stacks import AnyCheckpoint, stacks
from probe_sandwich.subjects.uploads import Upload, open_upload
from probe_sandwich.tasks.datasets import NoFormulas
from probe_sandwich.tasks.given import GivenInputs, UnusableInputs

log = logging.getLogger("probe_sandwich.worker")
BRIEF_SHARE = 1 / 25
"""Of what a job may cost, what one may that runs in the middle of another: some seconds on a CPU."""


class TooLong(Exception):
    """A job that was sent as a brief one would keep the one that it interrupts for too long, or needs its memory."""


def send(connection: Connection, message: BaseModel) -> None:
    """Tell the supervisor."""
    connection.send_bytes(message.model_dump_json().encode())


def receive(connection: Connection) -> Job | Cancel | Resume:
    """What the supervisor says next. Raises `EOFError`."""
    return to_worker.validate_json(connection.recv_bytes())


@dataclass
class JobRun:
    """One job, on the meta-classifier and the device that the worker has."""

    connection: Connection
    job: Job
    meta: MetaClassifier | None
    device: torch.device
    max_flop: float
    spent: float = 0.0
    answered: int = 0
    stopped: bool = False
    given: GivenOnce = field(default_factory=GivenOnce)

    def run(self) -> None:
        """Answer, and say how that ended."""
        end: Literal["complete", "cancelled", "too_long"] = "complete"
        try:
            self.answer()
        except Cancelled:
            end = "cancelled"
        except TooLong:
            end = "too_long"
        self._send(Done(job=self.job.number, end=end))

    def answer(self) -> None:
        """Send an outcome for every subject. Raises `Cancelled`, and `TooLong` where the job is to be brief."""
        self.progress("checkpoint", "")
        uploads: dict[int, Upload] = {}
        for index, subject in enumerate(self.job.subjects):
            stop_if(self.cancelled)
            try:
                upload = open_upload(subject.checkpoint, subject.config, subject.description)
            except Exception as error:
                self._refuse(index, error)
                continue
            if upload.config is None:  # a foreign model runs alone: why hold its config while others are read?
                self._answer_stack({index: upload})
            else:
                uploads[index] = upload
        numbers = list(uploads)
        configs = [upload.config for upload in uploads.values()]
        # A stack's tensors are read when its turn comes, and given up after it.
        for rows in _by_task(stacks(configs), configs):
            self._answer_stack({numbers[row]: uploads[numbers[row]] for row in rows})

    def cancelled(self) -> bool:
        """Whether the supervisor has asked to stop; asked before every batch, where brief jobs also get their turn."""
        while not self.stopped and self.connection.poll():
            message = receive(self.connection)
            if isinstance(message, Job):
                message = self._give_way(message)
            if isinstance(message, Cancel):  # of another job: it came too late
                self.stopped = self.stopped or message.job == self.job.number
        return self.stopped

    def _give_way(self, job: Job) -> Cancel | Resume:
        """Run brief jobs until this one may go on."""
        message: Job | Cancel | Resume = job
        while isinstance(message, Job) or (isinstance(message, Cancel) and message.job != self.job.number):
            if isinstance(message, Job):
                replace(self, job=message, spent=0.0, answered=0, given=GivenOnce()).run()
            message = receive(self.connection)
        return message

    def progress(self, stage: str, detail: str) -> None:
        """Tell of a stage. Raises `Cancelled`."""
        stop_if(self.cancelled)
        self._send(Stage(job=self.job.number, stage=stage, detail=detail, answered=self.answered))

    def _answer_stack(self, uploads: Mapping[int, Upload]) -> None:
        loaded: dict[int, AnyCheckpoint] = {}
        given = GivenInputs()
        for index, upload in uploads.items():
            stop_if(self.cancelled)
            try:
                checkpoint = upload.load()
                if not loaded:  # those of a stack are of one task, T and number of classes
                    given = self._given(index, checkpoint)
                self._charge(estimate(checkpoint, self.meta, self.job.options, bool(loaded), given))
                loaded[index] = checkpoint
            except TooLong:
                raise
            except Exception as error:
                self._refuse(index, error)
        alone = len(loaded) == 1
        if loaded and not self._diagnose(loaded, given, alone) and not alone:
            # One of them failed and took the stack with it: which, shows when each runs alone.
            for index, checkpoint in loaded.items():
                self._diagnose({index: checkpoint}, given, alone=True)

    def _given(self, index: int, checkpoint: AnyCheckpoint) -> GivenInputs:
        """Raises `UnusableInputs`, `TooCostly`, `TooLong`."""
        files = self.job.subjects[index].given
        return self.given.read(files, checkpoint.config, lambda size: self._charge(reading_cost(size)))

    def _charge(self, cost: Cost) -> None:
        """Raises `TooCostly`, `TooLong`."""
        if self.job.brief and self.spent + cost.total > BRIEF_SHARE * self.max_flop:
            raise TooLong
        left = self.max_flop - self.spent
        if cost.total > left:
            raise TooCostly(cost, left, self.max_flop)
        self.spent += cost.total

    def _diagnose(self, loaded: dict[int, AnyCheckpoint], given: GivenInputs, alone: bool) -> bool:
        """Diagnose as one stack. False where that failed; only of one that is alone is the failure told."""
        checkpoints = list(loaded.values())
        try:
            answers = diagnose(
                checkpoints, self.meta, self.device, self.job.options, self.progress, self.cancelled, given
            )
            texts = [answer.model_dump_json() for answer in answers]
        except Cancelled:
            raise
        except Exception as error:
            if alone:
                self._refuse(next(iter(loaded)), _blamed(error, checkpoints[0]))
            return False
        for index, text in zip(loaded, texts, strict=True):
            self._send(Outcome(job=self.job.number, index=index, diagnosis=text))
        self.answered += len(loaded)
        return True

    def _refuse(self, index: int, error: Exception) -> None:
        if self.job.brief and _is_out_of_memory(error):
            raise TooLong from error  # alone it may find what the interrupted job holds
        self._send(Outcome(job=self.job.number, index=index, problem=_problem_of(error).document()))
        self.answered += 1

    def _send(self, message: BaseModel) -> None:
        send(self.connection, message)


def _by_task(together: Sequence[list[int]], configs: Sequence[SubjectConfig | None]) -> list[list[int]]:
    """Stacks, those of one task and T one after the other: what was given is read once for them."""
    places: dict[object, int] = {}

    def place(rows: list[int]) -> int:
        config = configs[rows[0]]
        asked = None if config is None else (config.task, config.train_max_length, config.classes)
        return places.setdefault(asked, len(places))

    return sorted(together, key=place)


def _blamed(error: Exception, checkpoint: AnyCheckpoint) -> Exception:
    """A failure of a diagnosis as its cause: what fails in a foreign model's code is the model's."""
    if isinstance(checkpoint, Checkpoint) or isinstance(error, NoFormulas) or _is_out_of_memory(error):
        return error
    return UnrunnableModel(f"the model failed while it was run ({type(error).__name__}: {str(error)[:200]})")


def _is_out_of_memory(error: Exception) -> bool:
    # PyTorch's CPU allocator has no error type of its own.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, UnreadableFile):
        log.warning("a file could not be read", exc_info=error)
    if isinstance(error, CheckpointError):
        return problem_of(error)
    if _is_out_of_memory(error):
        return Problem(
            "out-of-memory",
            413,
            "this subject does not fit into the worker's memory; send fewer or smaller checkpoints",
        )
    if isinstance(error, TooCostly):
        return Problem("too-costly", 422, str(error))
    if isinstance(error, UnusableInputs):
        return Problem("unusable-inputs", 422, str(error))
    if isinstance(error, NoFormulas):
        return Problem("no-formulas", 422, f"{error}, or leave the direct test out (direct_test=false)")
    log.exception("a diagnosis failed", exc_info=error)
    return Problem("internal-error", 500, "the service failed on this checkpoint; its log says why")
