"""The running service: uploads to disk, answers from the cache or from a worker."""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from probe_sandwich.api.cache import Cache
from probe_sandwich.api.messages import Outcome, Stage, Subject
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.supervisor import Supervisor
from probe_sandwich.diagnosis import Diagnosis, Options
from probe_sandwich.settings import Settings

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Incoming:
    """What a request brings for one subject: open files, and what it says of a foreign model."""

    checkpoint: BinaryIO
    config: BinaryIO | None = None
    description: str | None = None


@dataclass(frozen=True)
class Upload:
    """The same on disk, and a hash of all of it."""

    subject: Subject
    sha256: str


@dataclass(frozen=True)
class Answers:
    """One outcome a file, and how many of them the cache had."""

    outcomes: list[Outcome]
    cached: int


class Service:
    """Takes uploads and returns outcomes."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.supervisor = Supervisor(settings, metrics)
        self.cache = Cache(settings.cache_dir, settings.cache_bytes)
        self._spool = Path(tempfile.mkdtemp(prefix="probe-sandwich-"))

    async def start(self) -> None:
        """Start the workers."""
        await self.supervisor.start()

    async def close(self) -> None:
        """Stop the workers and remove what was uploaded."""
        await self.supervisor.close()
        shutil.rmtree(self._spool, ignore_errors=True)

    async def answer(self, incoming: Sequence[Incoming], options: Options) -> Answers:
        """Outcomes of uploaded checkpoints, one a file. Raises `Problem` where none can be had."""
        events = [event async for event in self.events(incoming, options)]
        answers = events[-1]
        assert isinstance(answers, Answers)
        return answers

    async def events(self, incoming: Sequence[Incoming], options: Options) -> AsyncIterator[Stage | Answers]:
        """The same, stage by stage. Closing the iterator cancels the job."""
        with tempfile.TemporaryDirectory(dir=self._spool) as folder:
            uploads = await asyncio.to_thread(self._store, incoming, Path(folder))
            keys = [self._key(upload, options) for upload in uploads]
            known = {index: text for index, key in enumerate(keys) if (text := self.cache.get(key)) is not None}
            self.metrics.cache.labels("hit").inc(len(known))
            self.metrics.cache.labels("miss").inc(len(keys) - len(known))
            outcomes = {index: Outcome(index=index, diagnosis=text) for index, text in known.items()}
            missing = [index for index in range(len(uploads)) if index not in known]
            if missing:
                yield Stage(stage="queued")
                stages: asyncio.Queue[Stage | None] = asyncio.Queue()
                job = asyncio.create_task(
                    self.supervisor.run([uploads[index].subject for index in missing], options, stages.put_nowait)
                )
                job.add_done_callback(lambda _: stages.put_nowait(None))
                try:
                    while (stage := await stages.get()) is not None:
                        yield stage
                    fresh = await job
                finally:
                    job.cancel()
                for index, outcome in zip(missing, fresh, strict=True):
                    outcomes[index] = outcome.model_copy(update={"index": index})
                    if outcome.diagnosis is not None:
                        self._record(Diagnosis.model_validate_json(outcome.diagnosis))
                        self.cache.put(keys[index], outcome.diagnosis)
        yield Answers([outcomes[index] for index in range(len(uploads))], len(known))

    def _store(self, incoming: Sequence[Incoming], folder: Path) -> list[Upload]:
        uploads = []
        for number, parts in enumerate(incoming):
            digest = hashlib.sha256()
            subject = Subject(checkpoint=folder / f"{number}.checkpoint", description=parts.description)
            _copy(parts.checkpoint, subject.checkpoint, digest)
            if parts.config is not None:
                subject.config = folder / f"{number}.config"
                _copy(parts.config, subject.config, digest)
            digest.update((parts.description or "").encode())
            uploads.append(Upload(subject, digest.hexdigest()))
        return uploads

    def _key(self, upload: Upload, options: Options) -> str:
        cards = [meta.card_sha256 for meta in self.supervisor.meta_classifiers]
        return self.cache.key(upload.sha256, options, self.supervisor.slots[0].device.partition(":")[0], cards)

    def _record(self, diagnosis: Diagnosis) -> None:
        self.metrics.verdicts.labels(diagnosis.verdict.value).inc()
        for stage in ("sandwich", "direct_test"):
            self.metrics.stage_seconds.labels(stage).observe(getattr(diagnosis.timings_seconds, stage))


def _copy(source: BinaryIO, path: Path, digest: "hashlib._Hash") -> None:
    with path.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    # Where one part ends and the next begins must show in the hash.
    digest.update(path.stat().st_size.to_bytes(8))
