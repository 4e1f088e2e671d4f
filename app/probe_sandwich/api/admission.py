"""What is decided before a request body is read: who sends it, how large it may be, and whether there is room.

A FastAPI dependency would run only after the whole upload; this is ASGI middleware.
"""

import hmac
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.problems import Problem
from probe_sandwich.settings import Settings


class Admission:
    """Bounds the uploads in flight and the bytes of each, and asks for the key, on some paths."""

    def __init__(self, app: ASGIApp, paths: Collection[str], settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.paths = paths
        self.settings = settings
        self.metrics = metrics
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self.paths or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        problem = self._refusal(dict(scope["headers"]))
        if problem is not None:
            await problem.response()(scope, receive, send)
            return
        self.in_flight += 1
        self.metrics.in_flight.set(self.in_flight)
        try:
            await self.app(scope, self._counting(receive), send)
        finally:
            self.in_flight -= 1
            self.metrics.in_flight.set(self.in_flight)

    def _refusal(self, headers: dict[bytes, bytes]) -> Problem | None:
        key = self.settings.api_key
        if key is not None:
            wanted = f"Bearer {key.get_secret_value()}".encode()
            if not hmac.compare_digest(headers.get(b"authorization", b""), wanted):
                return Problem(
                    "unauthorized",
                    401,
                    "this service wants its API key: send `Authorization: Bearer <key>`",
                    {"WWW-Authenticate": "Bearer"},
                )
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.settings.max_upload_bytes:
            return self._too_large()
        if self.in_flight >= self.settings.queue_size:
            return Problem(
                "queue-full",
                429,
                f"{self.in_flight} requests are running or waiting; try again later",
                {"Retry-After": str(self.settings.retry_after_seconds)},
            )
        return None

    def _counting(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.settings.max_upload_bytes:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> Problem:
        return Problem("upload-too-large", 413, f"a request may have at most {self.settings.max_upload_bytes} bytes")
