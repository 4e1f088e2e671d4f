"""What is decided before a request body is read: whether there is room, and how large it may be.

A FastAPI dependency would run only after the whole upload; this is ASGI middleware.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem


class Admission:
    """Bounds the uploads in flight and the bytes of each, on one path."""

    def __init__(self, app: ASGIApp, path: str, max_body_bytes: int, queue_size: int, retry_after_seconds: int) -> None:
        self.app = app
        self.path = path
        self.max_body_bytes = max_body_bytes
        self.queue_size = queue_size
        self.retry_after_seconds = retry_after_seconds
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.path or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        problem = self._refusal(scope)
        if problem is not None:
            await problem.response()(scope, receive, send)
            return
        self.in_flight += 1
        try:
            await self.app(scope, self._counting(receive), send)
        finally:
            self.in_flight -= 1

    def _refusal(self, scope: Scope) -> Problem | None:
        if self.in_flight >= self.queue_size:
            return Problem(
                "queue-full",
                429,
                f"{self.in_flight} requests are running or waiting; try again later",
                {"Retry-After": str(self.retry_after_seconds)},
            )
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.max_body_bytes:
            return self._too_large()
        return None

    def _counting(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> Problem:
        return Problem("upload-too-large", 413, f"a request may have at most {self.max_body_bytes} bytes")
