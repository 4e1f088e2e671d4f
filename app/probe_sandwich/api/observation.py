"""Every request gets an id, a line in the log and a count."""

import logging
import re
import time
import uuid
from http import HTTPMethod

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from probe_sandwich.api.logs import request_id
from probe_sandwich.api.metrics import Metrics

PROBLEM_STATUS = "probe_sandwich.problem_status"
"""In a request's scope: the status of a problem that came as the end of a stream, when 200 was sent already."""
log = logging.getLogger("probe_sandwich.access")
# Strangers can invent any number of methods; each would be a series of its own.
_METHODS = frozenset(method.value for method in HTTPMethod)
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Observation:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        identity = given.decode() if _ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identity)
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", identity.encode())]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            # The route, not the path, of which strangers can make any number.
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            status = scope.get(PROBLEM_STATUS, status)
            self.metrics.requests.labels(method, route, status).inc()
            seconds = round(time.perf_counter() - started, 4)
            log.info("request", extra={"method": method, "route": route, "status": status, "seconds": seconds})
            request_id.reset(token)
