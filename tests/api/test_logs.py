"""Lines of the log."""

import json
import logging

from probe_sandwich.api.logs import JsonLines, Repeats, request_id


def test_a_log_line_is_json_with_the_request_id() -> None:
    token = request_id.set("abc")
    record = logging.makeLogRecord({"msg": "hello", "levelname": "INFO", "name": "x", "status": 200})
    entry = json.loads(JsonLines().format(record))
    request_id.reset(token)
    assert (entry["message"], entry["request_id"], entry["status"], entry["level"]) == ("hello", "abc", 200, "info")


def test_a_repeated_complaint_is_held_back_and_counted() -> None:
    repeats = Repeats()

    def record(seconds: float, level: int = logging.WARNING) -> logging.LogRecord:
        return logging.makeLogRecord({"msg": "again", "levelno": level, "created": seconds, "name": "x"})

    assert sum(repeats.filter(record(second / 100)) for second in range(1000)) == 5
    assert all(repeats.filter(record(0, logging.INFO)) for _ in range(100))
    later = record(100)
    assert repeats.filter(later)
    assert vars(later)["held_back"] == 995
