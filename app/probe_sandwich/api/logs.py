"""Structured logs: one JSON object a line, with the id of the request that it belongs to."""

import json
import logging
import sys
import time
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")
ROOT = "probe_sandwich"
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Time, level, logger, message, request id, and whatever was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
        }
        entry |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class Repeats(logging.Filter):
    """Lets the same complaint through five times a minute; the next minute's first says how many were held back."""

    most, seconds = 5, 60.0

    def __init__(self) -> None:
        super().__init__()
        self._window: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written; what is no warning always is."""
        if record.levelno < logging.WARNING:
            return True
        key = (record.name, record.msg)
        start, count = self._window.get(key, (record.created, 0))
        if record.created - start >= self.seconds:
            if count > self.most:
                record.held_back = count - self.most
            start, count = record.created, 0
        self._window[key] = (start, count + 1)
        return count < self.most


def configure_logs(level: str) -> None:
    """Send the service's logs to stderr, from a level on."""
    logger = logging.getLogger(ROOT)
    logger.setLevel(level.upper())
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        handler.addFilter(Repeats())
        logger.addHandler(handler)
        logger.propagate = False
