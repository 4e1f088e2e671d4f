"""A worker that is none: what is said of the service needs no model, and on a busy machine no minute a start."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from probe_sandwich.api import serving
from probe_sandwich.api import supervisor as supervising
from probe_sandwich.api.messages import Cancel, Done, Job, LoadedMetaClassifier, Outcome, Resume, Stage, Started
from probe_sandwich.api.worker_process import WorkerLost
from probe_sandwich.settings import Settings

KILLER, PATIENT, STUBBORN = b"killer", b"patient", b"stubborn"
_DIAGNOSIS = Path(supervising.__file__).with_name("example_diagnosis.json").read_text()
_LOADED = LoadedMetaClassifier(name="fake", version=1, sha256="0" * 64, card_sha256="0" * 64)


class FakeProcess:
    """A worker that is no process, and reads nothing.

    It gives each text a problem that repeats it, and any other file the same diagnosis; some files kill it, some last.
    """

    started = 0

    def __init__(self, settings: Settings, device: str) -> None:
        type(self).started += 1
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.messages.put_nowait(Started(meta_classifier=_LOADED))
        self.deaf = False

    def send(self, message: Job | Cancel | Resume) -> None:
        if isinstance(message, Cancel) and not self.deaf:
            self.messages.put_nowait(Done(job=message.job, end="cancelled"))
        if not isinstance(message, Job):
            return
        number = message.number
        self.messages.put_nowait(Stage(job=number, stage="checkpoint"))
        for index, subject in enumerate(message.subjects):
            content = subject.checkpoint.read_bytes()
            if content.startswith(KILLER):
                self.messages.put_nowait(None)
                return
            if content.startswith((STUBBORN, PATIENT)):
                self.deaf = content.startswith(STUBBORN)
                self.messages.put_nowait(
                    Done(job=number, end="too_long") if message.brief else Stage(job=number, stage="sandwich")
                )
                return
            if not content.isascii():
                self.messages.put_nowait(Outcome(job=number, index=index, diagnosis=_DIAGNOSIS))
                continue
            problem = {"type": "urn:x", "title": "t", "status": 400, "detail": content.decode()}
            self.messages.put_nowait(Outcome.model_validate({"job": number, "index": index, "problem": problem}))
        self.messages.put_nowait(Done(job=number))

    async def next(self) -> Any:
        message = await self.messages.get()
        if message is None:
            raise WorkerLost
        return message

    async def kill(self) -> None:
        pass


def put_in_place(patch: pytest.MonkeyPatch) -> None:
    """Put it in the place of worker processes; pauses become short."""
    patch.setattr(supervising, "WorkerProcess", FakeProcess)
    patch.setattr(supervising, "_PAUSE_SECONDS", 0.01)
    patch.setattr(serving, "_CANCEL_SECONDS", 0.2)
    patch.setattr(FakeProcess, "started", 0)


@contextmanager
def faking() -> Iterator[None]:
    """The same for a while."""
    with pytest.MonkeyPatch.context() as patch:
        put_in_place(patch)
        yield
