"""The worker process: reads uploads and runs diagnoses, so that a hostile file meets nothing else.

It holds the meta-classifiers on one device. It may be killed at any moment; the supervisor starts another.
"""

import contextlib
import resource
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from probe_sandwich.api.logs import configure_logs
from probe_sandwich.api.messages import Failed, Job, LoadedMetaClassifier, Started
from probe_sandwich.api.work import Run, receive, send
from probe_sandwich.cost import MAX_JOB_FLOP
from probe_sandwich.diagnosis import SeveralMetaClassifiers, load_meta_classifiers, make_test_sets, task_name
from probe_sandwich.processes import follow_parent
from probe_sandwich.sandwich.meta_classifier import DamagedMetaClassifier
from probe_sandwich.settings import Settings


def run_worker(connection: Connection, settings: Settings, device: str) -> None:
    """Serve jobs until the pipe closes."""
    follow_parent()
    configure_logs(settings.log_level)
    try:
        meta_classifiers = load_meta_classifiers(settings.models_dir, torch.device(device))
    except (DamagedMetaClassifier, SeveralMetaClassifiers) as error:
        send(connection, Failed(detail=str(error)))
        return
    make_test_sets(meta_classifiers)
    if device == "cpu":  # CUDA maps more than any limit
        limit = _own_bytes() + settings.worker_memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    send(
        connection,
        Started(
            meta_classifiers=[
                LoadedMetaClassifier(
                    name=card.name,
                    task=task_name(meta),
                    version=card.version,
                    train_max_length=card.train_max_length,
                    sha256=card.sha256,
                    card_sha256=card.fingerprint,
                )
                for meta in meta_classifiers.values()
                for card in (meta.card,)
            ]
        ),
    )
    max_flop = settings.max_job_flop or MAX_JOB_FLOP[torch.device(device).type]
    with contextlib.suppress(EOFError):
        while True:
            message = receive(connection)
            if isinstance(message, Job):  # else a cancel that came too late
                Run(connection, message, meta_classifiers, torch.device(device), max_flop).run()


def _own_bytes() -> int:
    """What the process holds of the memory that `RLIMIT_DATA` counts."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")]
    return int(line.split()[1]) * 1024
