"""What is decided before and while a request body is read: who sends it, how large and how slow, and where is room.

A FastAPI dependency would run only after the whole upload, and a middleware would have to guess the route from the
path (a proxy's prefix, an escape, a mount); so this stands between the route and its handler.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, get_origin

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from probe_sandwich.api.bounds import Bound, client_of
from probe_sandwich.api.key import check_key
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.spool import Spool
from probe_sandwich.settings import Settings

_EXAMPLE = "for example `curl -F checkpoint=@model.safetensors http://HOST/classify`"


class UploadRoute(APIRoute):
    """A route that takes files: its requests pass the app's `Admission`, its form is read into the app's `Spool`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)  # to be told so
            return
        admission: Admission = scope["app"].state.admission
        await admission.let_in(super().handle, scope, receive, send)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the form read beforehand."""
        handler = super().get_route_handler()
        assert self.body_field is not None
        model: Any = self.body_field.field_info.annotation  # FastAPI's own, of all the form's fields
        fields = {name: get_origin(field.annotation) is list for name, field in model.model_fields.items()}

        async def read(request: Request) -> Response:
            spool: Spool = request.app.state.service.spool
            request._form = await spool.read_form(request, fields)
            return await handler(request)

        return read


class Admission:
    """Bounds on uploads, on the jobs that come of them and on the bytes of both; and the key."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        share, wait = settings.client_share, settings.retry_after_seconds
        self.uploads = Bound("uploads-full", "uploads are on their way", settings.max_uploads, share, wait)
        self.jobs = Bound("queue-full", "requests are running or waiting", settings.queue_size, share, wait)
        self.bytes = Bound(
            "spool-full", "bytes of uploads are kept", settings.spool_bytes, share, wait, settings.max_upload_bytes
        )
        self.in_flight = 0
        self.displace: Callable[[str], bool] = lambda client: False
        """Turns away a job of a client that only waits, if there is one."""

    async def let_in(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Run an app with a request. Raises `Problem` where it is refused."""
        self._check_headers(Headers(scope=scope))
        upload = _Upload(self, client_of(scope), receive)
        self._count(1)
        try:
            await app(scope, upload.receive, send)
        finally:
            upload.close()
            self._count(-1)

    def _count(self, change: int) -> None:
        self.in_flight += change
        self.metrics.in_flight.set(self.in_flight)

    def _check_headers(self, headers: Headers) -> None:
        check_key(headers, self.settings)
        encoding = headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise Problem(
                "unsupported-encoding",
                415,
                f"a body with Content-Encoding {encoding[:40]!r} is not read; send it as it is, {_EXAMPLE}",
                {"Accept-Encoding": "identity"},
            )
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":  # what `curl --data-binary` and `curl -d` say
            raise Problem("invalid-request", 422, f"checkpoint: send it as a part of multipart/form-data, {_EXAMPLE}")
        if kind != "multipart/form-data":
            raise Problem(
                "not-multipart", 415, f"the body is {kind[:80] or 'of no type'}, not multipart/form-data, {_EXAMPLE}"
            )
        declared = headers.get("content-length", "0")
        if declared.isdigit() and (len(declared) > 18 or int(declared) > self.settings.max_upload_bytes):
            raise self.too_large()

    def check_job(self, client: str) -> None:
        """Raises `Problem` where the queue has no place, and nobody who has more of them than this client."""
        if not self.jobs.heavier(client):
            self.jobs.check(client)

    def take_job(self, client: str) -> None:
        """Take a place in the queue; in a full one that of whoever has most there. Raises `Problem`."""
        try:
            self.jobs.take(client)
        except Problem as full:
            if full.slug != self.jobs.slug or not any(self.displace(other) for other in self.jobs.heavier(client)):
                raise
            self.jobs.hold(client)

    def too_large(self) -> Problem:
        """What an upload over the limit is told."""
        return Problem("upload-too-large", 413, f"a request may have at most {self.settings.max_upload_bytes} bytes")


class _Upload:
    """One request: holds a place among the uploads until its body is complete, and from then on one in the queue."""

    def __init__(self, admission: Admission, client: str, receive: Receive) -> None:
        admission.check_job(client)  # where the queue is full already, spare them the upload
        self._admission = admission
        self._client = client
        self._receive = receive
        self._place = admission.uploads
        self._place.take(client)
        self._started = time.monotonic()
        self._bytes = 0
        self._complete = False

    async def receive(self) -> Message:
        """The next message. Raises `Problem` where the upload is too large or too slow, or finds no room."""
        if self._complete:
            return await self._receive()
        message = await self._in_time()
        size = len(message.get("body", b""))
        if self._bytes + size > self._admission.settings.max_upload_bytes:
            raise self._admission.too_large()
        self._admission.bytes.take(self._client, size)
        self._bytes += size
        if not message.get("more_body", False):
            self._complete = True
            self._admission.take_job(self._client)
            self._place.give(self._client)
            self._place = self._admission.jobs
        return message

    async def _in_time(self) -> Message:
        settings = self._admission.settings
        allowed = settings.upload_seconds + self._bytes / settings.upload_bytes_per_second
        try:
            async with asyncio.timeout(max(0.0, self._started + allowed - time.monotonic())):
                return await self._receive()
        except TimeoutError as error:
            raise Problem(
                "upload-too-slow",
                408,
                f"{self._bytes} bytes in {allowed:.0f} s; after {settings.upload_seconds:g} s an upload needs "
                f"{settings.upload_bytes_per_second} bytes a second",
                {"Connection": "close"},
            ) from error

    def close(self) -> None:
        """Give back what is held."""
        self._place.give(self._client)
        self._admission.bytes.give(self._client, self._bytes)
