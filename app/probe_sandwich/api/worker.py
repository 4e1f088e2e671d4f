"""The worker process: reads uploads and runs diagnoses, so that a hostile file meets nothing else.

It holds the meta-classifier on one device. It may be killed at any moment; the supervisor starts another.
"""

import contextlib
import resource
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from probe_sandwich.api.logs import configure_logs
from probe_sandwich.api.messages import Failed, Job, LoadedMetaClassifier, Started
from probe_sandwich.api.work import JobRun, receive, send
from probe_sandwich.cost import MAX_JOB_FLOP
from probe_sandwich.diagnosis import make_test_set
from probe_sandwich.processes import follow_parent
from probe_sandwich.sandwich.card import Card
from probe_sandwich.sandwich.meta_classifier import (
    DamagedMetaClassifier,
    MetaClassifier,
    NoMetaClassifier,
    load_meta_classifier,
)
from probe_sandwich.settings import Settings


def run_worker(connection: Connection, settings: Settings, device: str) -> None:
    """Serve jobs until the pipe closes."""
    follow_parent()
    configure_logs(settings.log_level)
    try:
        meta = _meta_classifier(settings.model, torch.device(device))
    except DamagedMetaClassifier as error:
        send(connection, Failed(detail=str(error)))
        return
    if meta is not None:
        make_test_set(meta.card.definition)
    if device == "cpu":  # CUDA maps more than any limit
        limit = _own_bytes() + settings.worker_memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    send(connection, Started(meta_classifier=None if meta is None else _loaded(meta.card)))
    max_flop = settings.max_job_flop or MAX_JOB_FLOP[torch.device(device).type]
    with contextlib.suppress(EOFError):
        while True:
            message = receive(connection)
            if isinstance(message, Job):  # else a cancel that came too late
                JobRun(connection, message, meta, torch.device(device), max_flop).run()


def _meta_classifier(folder: Path, device: torch.device) -> MetaClassifier | None:
    """The meta-classifier of a folder; None where it holds none. Raises `DamagedMetaClassifier`."""
    try:
        return load_meta_classifier(folder, device)
    except NoMetaClassifier:
        return None


def _loaded(card: Card) -> LoadedMetaClassifier:
    return LoadedMetaClassifier(name=card.name, version=card.version, sha256=card.sha256, card_sha256=card.fingerprint)


def _own_bytes() -> int:
    """What the process holds of the memory that `RLIMIT_DATA` counts."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")]
    return int(line.split()[1]) * 1024
