"""The running service: uploads to disk, answers from the cache or from a worker."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from probe_sandwich.answer import Diagnosis
from probe_sandwich.api.cache import Cache
from probe_sandwich.api.messages import Outcome, Stage, Subject
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.pending import HashedUpload, Listener, Unfinished
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.spool import Spool
from probe_sandwich.api.supervisor import Supervisor
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

_CHUNK = 1 << 20
_MOST_LOST = 3
"""Workers that one batch may cost before the rest of it is given up."""


@dataclass(frozen=True)
class Answers:
    """One outcome a file, how many of them the cache had, and the keys under which it has them now."""

    outcomes: list[Outcome]
    cached: int
    kept: list[str | None]


class Service:
    """Takes uploads and returns outcomes."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.supervisor = Supervisor(settings, metrics)
        self.cache = Cache(settings.cache_dir, settings.cache_bytes)
        self.spool = Spool(settings)

    async def start(self) -> None:
        """Start the workers."""
        await self.supervisor.start()

    async def close(self) -> None:
        """Stop the workers and remove what was uploaded."""
        await self.supervisor.close()
        self.spool.close()

    def not_ready(self) -> Problem | None:
        """Why the service can answer nobody now, or None."""
        if self.supervisor.reason:
            return self.supervisor.not_ready()
        return self.spool.complaint()

    async def answer(self, subjects: Sequence[Subject], options: Options, client: str) -> Answers:
        """Outcomes of uploaded checkpoints, one a file. Raises `Problem` where none can be had."""
        events = [event async for event in self.events(subjects, options, client)]
        answers = events[-1]
        assert isinstance(answers, Answers)
        return answers

    async def events(
        self, subjects: Sequence[Subject], options: Options, client: str
    ) -> AsyncIterator[Stage | Answers]:
        """The same, stage by stage. Closing the iterator cancels the job."""
        uploads = await self._hashed(subjects)
        keys = [self._key(upload, options) for upload in uploads]
        known = {index: text for index, key in enumerate(keys) if (text := self.cache.get(key)) is not None}
        self.metrics.cache.labels("hit").inc(len(known))
        self.metrics.cache.labels("miss").inc(len(keys) - len(known))
        outcomes = {index: Outcome(index=index, diagnosis=text) for index, text in known.items()}
        kept = set(known)
        missing = [index for index in range(len(uploads)) if index not in known]
        if missing:
            yield Stage(stage="queued", answered=len(known))
            stages: asyncio.Queue[Stage | None] = asyncio.Queue()
            job = asyncio.create_task(
                self._alone(uploads[0], options, client, stages.put_nowait)
                if len(uploads) == 1
                else self._together([uploads[index] for index in missing], options, client, stages.put_nowait)
            )
            job.add_done_callback(lambda _: stages.put_nowait(None))
            try:
                while (stage := await stages.get()) is not None:
                    yield stage.model_copy(update={"answered": len(known) + stage.answered})
                fresh = await job
            finally:
                job.cancel()
            for index, outcome in zip(missing, fresh, strict=True):
                outcomes[index] = outcome.model_copy(update={"index": index})
                if outcome.diagnosis is not None:
                    self._record(Diagnosis.model_validate_json(outcome.diagnosis))
                    if self.cache.put(keys[index], outcome.diagnosis):
                        kept.add(index)
        yield Answers(
            [outcomes[index] for index in range(len(uploads))],
            len(known),
            [key if index in kept else None for index, key in enumerate(keys)],
        )

    async def _alone(self, upload: HashedUpload, options: Options, client: str, tell: Listener) -> list[Outcome]:
        """The outcome of one file. Raises `Problem` where it has none."""
        refusal = self.supervisor.quarantine.refusal(upload.sha256)
        if refusal is not None:
            raise refusal
        return await self.supervisor.run([upload], options, client, tell)

    async def _together(
        self, uploads: Sequence[HashedUpload], options: Options, client: str, tell: Listener
    ) -> list[Outcome]:
        """Outcomes of a batch, in which what ends a worker costs only its own. Raises `Problem` where none starts."""
        refused = [self.supervisor.quarantine.refusal(upload.sha256) for upload in uploads]
        admitted = [index for index, refusal in enumerate(refused) if refusal is None]
        outcomes = {
            index: Outcome(index=index, problem=refusal.document())
            for index, refusal in enumerate(refused)
            if refusal is not None
        }
        problem: Problem | None = None
        fresh: Sequence[Outcome] = []
        try:
            if admitted:
                fresh = await self.supervisor.run([uploads[index] for index in admitted], options, client, tell)
        except Unfinished as unfinished:
            fresh, problem = unfinished.outcomes, unfinished
        outcomes |= {admitted[outcome.index]: outcome for outcome in fresh}
        lost = 0
        for index in [index for index in admitted if index not in outcomes]:
            assert problem is not None
            if problem.slug != "worker-lost" or lost == _MOST_LOST:
                outcomes[index] = Outcome(index=index, problem=problem.document())
                continue
            try:  # one of them has ended the worker: alone, each answers for itself
                (outcomes[index],) = await self._alone(uploads[index], options, client, tell)
            except Problem as own:
                lost += own.slug == "worker-lost"
                outcomes[index] = Outcome(index=index, problem=own.document())
        return [outcomes[index].model_copy(update={"index": index}) for index in range(len(uploads))]

    async def _hashed(self, subjects: Sequence[Subject]) -> list[HashedUpload]:
        try:
            return await asyncio.to_thread(lambda: [HashedUpload(subject, _sha256(subject)) for subject in subjects])
        except OSError as error:
            raise self.spool.no_space(error) from error

    def _key(self, upload: HashedUpload, options: Options) -> str:
        meta, device = self.supervisor.meta_classifier, self.supervisor.slots[0].device.partition(":")[0]
        return self.cache.key(upload.sha256, options, device, None if meta is None else meta.card_sha256)

    def _record(self, diagnosis: Diagnosis) -> None:
        self.metrics.verdicts.labels(diagnosis.verdict.value).inc()
        for stage in ("sandwich", "direct_test"):
            self.metrics.stage_seconds.labels(stage).observe(getattr(diagnosis.timings_seconds, stage))


def service_of(request: Request) -> Service:
    """The service that the lifespan started."""
    service: Service = request.app.state.service
    return service


ServiceDependency = Annotated[Service, Depends(service_of)]


def _sha256(subject: Subject) -> str:
    digest = hashlib.sha256()
    for path in (subject.checkpoint, subject.config, subject.given.inputs, subject.given.labelled):
        size = -1
        if path is not None:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                size = file.tell()
        # Where one part ends and the next begins, and which of them are not there, must show in the hash.
        digest.update(size.to_bytes(8, signed=True))
    digest.update((subject.description or "").encode())
    return digest.hexdigest()
