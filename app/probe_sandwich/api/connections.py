"""Bounds on open connections, on how long one may keep us waiting, and on how small it may cut what it sends; and what
is said to whoever sends no HTTP.

What sends no whole request, or does not take its answer, holds nothing that an ASGI app sees; uvicorn keeps it for
ever, and its `--limit-concurrency` refuses `/health` with everything else. Here one that keeps us waiting makes room
for a new one; where none does, the newest of the address that has most.
"""

import asyncio
import resource
import socket
from collections import Counter
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from probe_sandwich.api.problems import Problem
from probe_sandwich.settings import Settings

_MOST_FILES = 1 << 16
_MOST_HEADER_BYTES = 1 << 16
_MOST_SENT = 1 << 18
"""Bytes of an answer that the system takes before its client does: else megabytes, of whoever reads nothing."""
_MOST_UNSENT = 1 << 26
"""Bytes of all answers that wait here for their clients to take them; one of a batch may have millions."""
_FREE_CHUNKS, _LEAST_CHUNK = 100, 256
"""Of a chunked body, so many chunks may be of any size, and all together have so many bytes on average: each costs a
tenth of a millisecond, and one read of 256 KiB in chunks of one byte would stop all else for seconds."""


def raise_file_limit() -> int:
    """Take as many file descriptors as the system lets us have, up to 65,536; how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _MOST_FILES if soft == resource.RLIM_INFINITY else soft


class _Requests(h11.Connection):
    """Requests as they are read; a body in crumbs is none."""

    _chunks = _chunk_bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Raises `h11.RemoteProtocolError`."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._chunk_bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            self._chunk_bytes += len(event.data)
            if self._chunks > _FREE_CHUNKS and self._chunk_bytes < _LEAST_CHUNK * self._chunks:
                raise h11.RemoteProtocolError("the body comes in too small chunks")
        return event


class Connections(H11Protocol):
    """uvicorn's protocol with these bounds; `uvicorn --http probe_sandwich.api.connections:Connections`."""

    settings: ClassVar[Settings] = Settings()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Requests(h11.SERVER, _MOST_HEADER_BYTES)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room where there is none."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_SENT)
        self._since = self._looked = self.loop.time()
        self._stuck_since, self._unsent = 0.0, 0
        self._served = self.cycle
        self._timer = self.loop.call_later(self.settings.header_seconds, self._look)
        # Files, pipes and workers need descriptors too: connections get at most half of them.
        if len(self.connections) > min(self.settings.max_connections, raise_file_limit() // 2):
            goer = self._one_to_go()
            self.connections.discard(goer)  # it is told later, and the next one must not choose it again
            goer.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not take what is written; where too much is not taken, what was not for longest is lost."""
        self._stuck_since = self.loop.time()
        super().pause_writing()
        stuck = sorted((other for other in self._open() if other.stuck), key=lambda other: other._stuck_since)
        unsent = sum(other.transport.get_write_buffer_size() for other in stuck)
        while unsent > _MOST_UNSENT:
            goer = stuck.pop(0)
            unsent -= goer.transport.get_write_buffer_size()
            goer.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Say in the form of all errors that what came is no request, and hang up; uvicorn's own words are plain text.

        Where an answer has begun already, there is no place for another."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            detail = f"{msg} Its head breaks HTTP/1.1, or its body comes in chunks that are none or have a few bytes."
            answer = Problem("bad-request", 400, detail).response()
            headers = [*answer.raw_headers, (b"connection", b"close")]
            start = h11.Response(status_code=400, headers=headers, reason=HTTPStatus(400).phrase.encode())
            for event in (start, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def idle(self) -> bool:
        """Whether no request of it is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def stuck(self) -> bool:
        """Whether an answer lies here that its client does not take."""
        return self.flow.write_paused

    def _one_to_go(self) -> "Connections":
        """The one that has kept us waiting longest; where none does, the newest of the address that has most."""
        others = self._open()
        waiting = [other for other in others if other is not self and (other.idle or other.stuck)]
        if waiting:
            return min(waiting, key=lambda other: other._since)
        held = Counter(other._address for other in others)
        return max(others, key=lambda other: (held[other._address], other._since))

    def _open(self) -> "list[Connections]":
        """All that are open, this one among them."""
        return [other for other in self.connections if isinstance(other, Connections)]

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _look(self) -> None:
        """Close it where since the last look it has sent no whole request, or has taken nothing of what was written."""
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if self.stuck:
            keeps_waiting = self._stuck_since <= self._looked and unsent >= self._unsent
        else:
            keeps_waiting = self.idle and self.cycle is self._served
        if keeps_waiting:
            self.transport.abort()
            return
        self._served, self._looked, self._unsent = self.cycle, now, unsent
        self._timer = self.loop.call_later(self.settings.header_seconds, self._look)


def bounded(settings: Settings) -> type[Connections]:
    """The same for other settings than the environment's."""
    return type("Connections", (Connections,), {"settings": settings})
