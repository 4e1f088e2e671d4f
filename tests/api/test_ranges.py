"""Files, whole or in part; what part there is none of is told as any error is."""

import httpx
import pytest
from probe_sandwich.api.pages import PAGE
from probe_sandwich.api.problems import MEDIA_TYPE

from tests.api.raw import slug

WHOLE = (PAGE / "page.css").read_bytes()


@pytest.mark.parametrize("path", ["/", "/assets/page.css", "/docs", "/docs/start.js"])
@pytest.mark.parametrize("wanted", ["bytes", "bytes=-", "bytes=one", "bytes=5-1", "lines=0-1"])
def test_a_range_that_cannot_be_read_is_a_problem(guarded: httpx.Client, path: str, wanted: str) -> None:
    answer = guarded.get(path, headers={"range": wanted})
    assert (answer.status_code, answer.headers["content-type"], slug(answer)) == (400, MEDIA_TYPE, "bad-request")
    assert answer.json()["detail"].startswith("Range: it cannot be read")


def test_a_range_beyond_the_file_is_a_problem_that_says_how_long_it_is(guarded: httpx.Client) -> None:
    answer = guarded.get("/assets/page.css", headers={"range": "bytes=99999999-"})
    assert (answer.status_code, answer.headers["content-type"]) == (416, MEDIA_TYPE)
    assert slug(answer) == "range-not-satisfiable"
    assert answer.headers["content-range"] == f"bytes */{len(WHOLE)}"
    assert f"has {len(WHOLE)} bytes" in answer.json()["detail"]


def test_a_range_that_is_there_is_sent(guarded: httpx.Client) -> None:
    answer = guarded.get("/assets/page.css", headers={"range": "bytes=2-5"})
    assert (answer.status_code, answer.content) == (206, WHOLE[2:6])
