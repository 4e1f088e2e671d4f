"""Every request gets an id and a count."""

import httpx

from tests.api.raw import ask, head


def test_invented_methods_are_one_series(guarded: httpx.Client, url: str) -> None:
    for number in range(20):
        ask(url, head(0, "/health", method=f"INVENTED{number}"))
    text = guarded.get("/metrics").text
    assert "INVENTED" not in text
    assert 'method="other"' in text


def test_a_request_keeps_its_id_and_a_strange_one_is_replaced(guarded: httpx.Client) -> None:
    assert guarded.get("/health/live", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert guarded.get("/health/live", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"
