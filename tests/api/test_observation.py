"""Every request gets an id and a count."""

import logging
import re
import time

import httpx
import pytest

from tests.api.raw import ask, head
from tests.conftest import post


def test_invented_methods_are_one_series(guarded: httpx.Client, url: str) -> None:
    for number in range(20):
        ask(url, head(0, "/health", method=f"INVENTED{number}"))
    text = guarded.get("/metrics").text
    assert "INVENTED" not in text
    assert 'method="other"' in text


def test_a_request_keeps_its_id_and_a_strange_one_is_replaced(guarded: httpx.Client) -> None:
    assert guarded.get("/health/live", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert guarded.get("/health/live", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"


def test_a_problem_at_the_end_of_a_stream_is_counted_and_logged_by_its_status(
    faked: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("probe_sandwich.access")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO, logger.name):
            streamed = post(faked, b"fine", accept="text/event-stream")
            deadline = time.monotonic() + 30
            # A client may have the last bytes before the service notes that they are gone.
            while not (logged := [record for record in caplog.records if vars(record)["route"] == "/classify"]):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            counted = faked.get("/metrics").text
    finally:
        logger.removeHandler(caplog.handler)
    (told,) = re.findall(r'event: problem\ndata: .*"status":(\d+)', streamed.text)
    assert (streamed.status_code, vars(logged[0])["status"]) == (200, int(told))
    assert re.search(rf'requests_total\{{[^}}]*route="/classify"[^}}]*status="{told}"', counted)
