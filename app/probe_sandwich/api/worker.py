"""The worker process: reads uploads and runs diagnoses, so that a hostile file meets nothing else.

It holds the meta-classifiers on one device. It may be killed at any moment; the supervisor starts another.
"""

import logging
import os
import resource
import signal
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from threading import Thread

import torch
from pydantic import BaseModel

from probe_sandwich.api.logs import configure_logs
from probe_sandwich.api.messages import Done, Failed, Job, LoadedMetaClassifier, Outcome, Stage, Started, to_worker
from probe_sandwich.api.problems import Problem, problem_of
from probe_sandwich.diagnosis import AnyCheckpoint, MetaClassifiers, batches, diagnose, load_meta_classifiers, warm_up
from probe_sandwich.sandwich.meta_classifier import DamagedMetaClassifier
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.checkpoint import CheckpointError
from probe_sandwich.subjects.uploads import load_upload

log = logging.getLogger("probe_sandwich.worker")


class Cancelled(Exception):
    """The supervisor has asked to stop."""


def run_worker(connection: Connection, settings: Settings, device: str) -> None:
    """Serve jobs until the pipe closes."""
    # A Ctrl-C in the terminal reaches the whole group; the supervisor says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs(settings.log_level)
    Thread(target=_end_with_parent, daemon=True).start()
    if settings.worker_memory_bytes and device == "cpu":
        resource.setrlimit(resource.RLIMIT_DATA, (settings.worker_memory_bytes, settings.worker_memory_bytes))
    try:
        meta_classifiers = load_meta_classifiers(settings.models_dir, torch.device(device))
    except DamagedMetaClassifier as error:
        _send(connection, Failed(detail=str(error)))
        return
    warm_up(meta_classifiers)
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
    while True:
        try:
            job = to_worker.validate_json(connection.recv_bytes())
        except EOFError:
            return
        if isinstance(job, Job):  # else a cancel that came too late
            try:
                _run(connection, job, meta_classifiers, torch.device(device))
            except Cancelled:
                _send(connection, Done(cancelled=True))
            else:
                _send(connection, Done())


def _run(connection: Connection, job: Job, meta_classifiers: MetaClassifiers, device: torch.device) -> None:
    def progress(stage: str, detail: str) -> None:
        if connection.poll():
            connection.recv_bytes()
            raise Cancelled
        _send(connection, Stage(stage=stage, detail=detail))

    progress("checkpoint", "")
    loaded: list[tuple[int, AnyCheckpoint]] = []
    for index, subject in enumerate(job.subjects):
        try:
            loaded.append((index, load_upload(subject.checkpoint, subject.config, subject.description)))
        except CheckpointError as error:
            _send(connection, Outcome(index=index, problem=problem_of(error).document()))
        except MemoryError:
            _send(connection, Outcome(index=index, problem=_out_of_memory().document()))
    for rows in batches([checkpoint for _, checkpoint in loaded]):
        chosen = [loaded[row] for row in rows]
        try:
            answers = diagnose(
                [checkpoint for _, checkpoint in chosen], meta_classifiers, device, job.options, progress
            )
        except Cancelled:
            raise
        except Exception as error:
            problem = _problem_of_failure(error)
            for index, _ in chosen:
                _send(connection, Outcome(index=index, problem=problem.document()))
        else:
            for (index, _), answer in zip(chosen, answers, strict=True):
                _send(connection, Outcome(index=index, diagnosis=answer.model_dump_json()))


def _problem_of_failure(error: Exception) -> Problem:
    # PyTorch's CPU allocator has no error type of its own.
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return _out_of_memory()
    log.exception("a diagnosis failed", exc_info=error)
    return Problem("internal-error", 500, "the service failed on this checkpoint; its log says why")


def _out_of_memory() -> Problem:
    return Problem(
        "out-of-memory", 413, "this subject does not fit into the worker's memory; send fewer or smaller checkpoints"
    )


def _send(connection: Connection, message: BaseModel) -> None:
    connection.send_bytes(message.model_dump_json().encode())


def _end_with_parent() -> None:
    """A service killed outright cannot stop its workers; so they watch it."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
