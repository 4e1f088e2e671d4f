"""The worker process: reads uploads and runs diagnoses, so that a hostile file meets nothing else.

It holds the meta-classifiers on one device. It may be killed at any moment; the supervisor starts another.
"""

import logging
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from pydantic import BaseModel

from probe_sandwich.api.logs import configure_logs
from probe_sandwich.api.messages import (
    Done,
    Failed,
    Job,
    LoadedMetaClassifier,
    Outcome,
    Stage,
    Started,
    Subject,
    to_worker,
)
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.refusals import problem_of
from probe_sandwich.cost import MAX_JOB_FLOP, TooCostly, estimate
from probe_sandwich.diagnosis import (
    MetaClassifiers,
    SeveralMetaClassifiers,
    diagnose,
    load_meta_classifiers,
    make_test_sets,
)
from probe_sandwich.processes import follow_parent
from probe_sandwich.sandwich.meta_classifier import DamagedMetaClassifier
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.batching import Cancelled, stop_if
from probe_sandwich.subjects.checkpoint import Checkpoint, CheckpointError, UnreadableFile, UnrunnableModel
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.stacks import AnyCheckpoint, stacks
from probe_sandwich.subjects.uploads import load_upload, preview_upload
from probe_sandwich.tasks.datasets import NoFormulas

log = logging.getLogger("probe_sandwich.worker")


def run_worker(connection: Connection, settings: Settings, device: str) -> None:
    """Serve jobs until the pipe closes."""
    follow_parent()
    configure_logs(settings.log_level)
    try:
        meta_classifiers = load_meta_classifiers(settings.models_dir, torch.device(device))
    except (DamagedMetaClassifier, SeveralMetaClassifiers) as error:
        _send(connection, Failed(detail=str(error)))
        return
    make_test_sets(meta_classifiers)
    if device == "cpu":  # CUDA maps more than any limit
        limit = _own_bytes() + settings.worker_memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    cards = [meta.card for meta in meta_classifiers.values()]
    _send(
        connection,
        Started(
            meta_classifiers=[
                LoadedMetaClassifier(
                    name=card.name,
                    task=card.task.name,
                    version=card.version,
                    train_max_length=card.train_max_length,
                    sha256=card.sha256,
                    card_sha256=card.fingerprint,
                )
                for card in cards
            ]
        ),
    )
    max_flop = settings.max_job_flop or MAX_JOB_FLOP[torch.device(device).type]
    while True:
        try:
            job = to_worker.validate_json(connection.recv_bytes())
        except EOFError:
            return
        if isinstance(job, Job):  # else a cancel that came too late
            try:
                _Run(connection, job, meta_classifiers, torch.device(device), max_flop).answer()
            except Cancelled:
                _send(connection, Done(cancelled=True))
            else:
                _send(connection, Done())


@dataclass
class _Run:
    """One job: every file of it costs at most its own result, whatever is raised."""

    connection: Connection
    job: Job
    meta_classifiers: MetaClassifiers
    device: torch.device
    max_flop: float
    spent: float = 0.0

    def answer(self) -> None:
        """Send an outcome for every subject. Raises `Cancelled`."""
        self.progress("checkpoint", "")
        previews: dict[int, SubjectConfig | None] = {}
        for index, subject in enumerate(self.job.subjects):
            stop_if(self.cancelled)
            try:
                previews[index] = preview_upload(*_files(subject))
            except Exception as error:
                self._refuse(index, error)
        numbers = list(previews)
        # A stack's tensors are read when its turn comes, and given up after it.
        for rows in stacks(list(previews.values())):
            self._answer_stack([numbers[row] for row in rows])

    def cancelled(self) -> bool:
        """Whether the supervisor has asked to stop; asked before every batch."""
        if self.connection.poll():
            self.connection.recv_bytes()
            return True
        return False

    def progress(self, stage: str, detail: str) -> None:
        """Tell of a stage. Raises `Cancelled`."""
        stop_if(self.cancelled)
        _send(self.connection, Stage(stage=stage, detail=detail))

    def _answer_stack(self, numbers: Sequence[int]) -> None:
        loaded: dict[int, AnyCheckpoint] = {}
        for index in numbers:
            stop_if(self.cancelled)
            try:
                checkpoint = load_upload(*_files(self.job.subjects[index]))
                self._charge(checkpoint, drawn=bool(loaded))
                loaded[index] = checkpoint
            except Exception as error:
                self._refuse(index, error)
        if loaded and not self._diagnose(loaded, alone=len(loaded) == 1):
            # One of them failed and took the stack with it: which, shows when each runs alone.
            for index, checkpoint in loaded.items():
                self._diagnose({index: checkpoint}, alone=True)

    def _charge(self, checkpoint: AnyCheckpoint, drawn: bool) -> None:
        """Raises `TooCostly`."""
        cost = estimate(checkpoint, self.meta_classifiers, self.job.options, drawn)
        left = self.max_flop - self.spent
        if cost.total > left:
            raise TooCostly(cost, left, self.max_flop)
        self.spent += cost.total

    def _diagnose(self, loaded: dict[int, AnyCheckpoint], alone: bool) -> bool:
        """Diagnose as one stack. False where that failed; only of one that is alone is the failure told."""
        checkpoints = list(loaded.values())
        try:
            answers = diagnose(
                checkpoints, self.meta_classifiers, self.device, self.job.options, self.progress, self.cancelled
            )
            texts = [answer.model_dump_json() for answer in answers]
        except Cancelled:
            raise
        except Exception as error:
            if alone:
                self._refuse(next(iter(loaded)), _blamed(error, checkpoints[0]))
            return False
        for index, text in zip(loaded, texts, strict=True):
            _send(self.connection, Outcome(index=index, diagnosis=text))
        return True

    def _refuse(self, index: int, error: Exception) -> None:
        _send(self.connection, Outcome(index=index, problem=_problem_of(error).document()))


def _files(subject: Subject) -> tuple[Path, Path | None, str | None]:
    return subject.checkpoint, subject.config, subject.description


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
    if isinstance(error, NoFormulas):
        return Problem("no-formulas", 422, f"{error}, or leave the direct test out (direct_test=false)")
    log.exception("a diagnosis failed", exc_info=error)
    return Problem("internal-error", 500, "the service failed on this checkpoint; its log says why")


def _own_bytes() -> int:
    """What the process holds of the memory that `RLIMIT_DATA` counts."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")]
    return int(line.split()[1]) * 1024


def _send(connection: Connection, message: BaseModel) -> None:
    connection.send_bytes(message.model_dump_json().encode())
