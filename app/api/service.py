"""The running service: meta-classifiers in memory, and one thread for all work on the device."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch

from app.diagnosis import (
    Diagnosis,
    MetaClassifiers,
    Options,
    Progress,
    diagnose,
    load_meta_classifiers,
    warm_up,
)
from app.settings import Settings
from app.subjects.checkpoint import CheckpointError, load_checkpoint


@dataclass(frozen=True)
class Stage:
    """A job has reached a stage."""

    name: str


Event = Stage | Diagnosis | CheckpointError


class Service:
    """Runs one diagnosis at a time, off the event loop."""

    def __init__(self, meta_classifiers: MetaClassifiers, device: torch.device) -> None:
        self.meta_classifiers = meta_classifiers
        self.device = device
        self._device_thread = ThreadPoolExecutor(1, thread_name_prefix="device")

    @staticmethod
    def start(settings: Settings) -> "Service":
        """Load everything that requests need."""
        device = settings.torch_device()
        meta_classifiers = load_meta_classifiers(settings.models_dir, device)
        warm_up(meta_classifiers)
        return Service(meta_classifiers, device)

    def close(self) -> None:
        """Finish the running job and take no more."""
        self._device_thread.shutdown()

    async def classify(self, upload: BinaryIO, options: Options) -> Diagnosis:
        """Diagnose an uploaded checkpoint. Raises `CheckpointError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._device_thread, self._job, upload, options, lambda stage: None)

    async def events(self, upload: BinaryIO, options: Options) -> AsyncIterator[Event]:
        """The same, stage by stage; the last event is the diagnosis or what is wrong with the checkpoint."""
        loop = asyncio.get_running_loop()
        stages: asyncio.Queue[str | None] = asyncio.Queue()

        def tell(stage: str | None) -> None:
            loop.call_soon_threadsafe(stages.put_nowait, stage)

        job = loop.run_in_executor(self._device_thread, self._job, upload, options, tell)
        job.add_done_callback(lambda _: stages.put_nowait(None))
        yield Stage("queued")
        while (stage := await stages.get()) is not None:
            yield Stage(stage)
        try:
            yield await job
        except CheckpointError as error:
            yield error

    def _job(self, upload: BinaryIO, options: Options, progress: Progress) -> Diagnosis:
        progress("checkpoint")
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            shutil.copyfileobj(upload, file)
            file.flush()
            checkpoint = load_checkpoint(Path(file.name))
        return diagnose([checkpoint], self.meta_classifiers, self.device, options, progress)[0]
