"""A bound on open connections, and on how long one may stay silent.

What sends no whole request never reaches an ASGI app; uvicorn keeps it for ever, and its `--limit-concurrency` refuses
`/health` with everything else. Here the connection that has waited longest for a request makes room for a new one.
"""

import asyncio
import resource
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from probe_sandwich.settings import Settings

_MOST_FILES = 1 << 16


def raise_file_limit() -> int:
    """Take as many file descriptors as the system lets us have, up to 65,536; how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _MOST_FILES if soft == resource.RLIM_INFINITY else soft


class Connections(H11Protocol):
    """uvicorn's protocol with both bounds; `uvicorn --http probe_sandwich.api.connections:Connections`."""

    settings: ClassVar[Settings] = Settings()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room where there is none."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._served = self.cycle
        self._timer = self.loop.call_later(self.settings.header_seconds, self._look)
        # Files, pipes and workers need descriptors too: connections get at most half of them.
        if len(self.connections) > min(self.settings.max_connections, raise_file_limit() // 2):
            idle = [other for other in self.connections if isinstance(other, Connections) and other.idle]
            oldest = min(idle, key=lambda other: other._since, default=self)
            self.connections.discard(oldest)  # it is told later, and the next one must not choose it again
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._timer.cancel()
        super().connection_lost(exc)

    @property
    def idle(self) -> bool:
        """Whether no request of it is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _look(self) -> None:
        """Close it where it has sent no whole request since the last look."""
        if self.idle and self.cycle is self._served:
            self.transport.abort()
            return
        self._served = self.cycle
        self._timer = self.loop.call_later(self.settings.header_seconds, self._look)


def bounded(settings: Settings) -> type[Connections]:
    """The same for other settings than the environment's."""
    return type("Connections", (Connections,), {"settings": settings})
