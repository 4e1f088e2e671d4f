"""A bound on open connections, and on silence."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from probe_sandwich.answer import ProblemDocument
from probe_sandwich.api import connections
from probe_sandwich.api.pages import DOCS
from probe_sandwich.settings import Settings

from tests.api.conftest import KEY
from tests.api.fakes import PATIENT, faking
from tests.api.raw import PART, connected, head
from tests.conftest import EXAMPLES, on_socket, running

BUNDLE = DOCS / "swagger-ui-bundle.js"


def test_idle_connections_make_room_for_new_ones(guarded: httpx.Client, url: str) -> None:
    files_before = len(os.listdir("/proc/self/fd"))
    with connected(url, 1) as (first,):
        with connected(url, 250):
            time.sleep(0.5)
            assert guarded.get("/health/live").status_code == 200
            # Both ends of a connection are in this process.
            assert len(os.listdir("/proc/self/fd")) - files_before < 250 + 1 + 110
        assert first.recv(10) == b""


def test_a_connection_that_never_asks_is_closed(tmp_path: Path) -> None:
    settings = Settings(device="cpu", model=tmp_path, cache_bytes=0, header_seconds=0.3)
    with faking(), running(settings) as address, connected(address, 2) as (silent, half):
        half.sendall(b"GET /health HTTP/1.1\r\nHost:")
        for raw in (silent, half):
            with suppress(ConnectionResetError):
                assert raw.recv(10) == b""


def test_an_answer_that_is_not_taken_is_given_up(tmp_path: Path) -> None:
    settings = Settings(device="cpu", model=tmp_path, cache_bytes=0, header_seconds=0.5)
    with faking(), running(settings) as address, asking_for_much(address, 1) as (raw,):
        time.sleep(2)
        assert len(everything(raw)) < BUNDLE.stat().st_size


def test_an_answer_that_is_taken_slowly_comes_whole(tmp_path: Path) -> None:
    settings = Settings(device="cpu", model=tmp_path, cache_bytes=0, header_seconds=1)
    with faking(), running(settings) as address, asking_for_much(address, 1) as (raw,):
        assert len(everything(raw, pause=0.1)) > BUNDLE.stat().st_size


def test_an_answer_of_one_piece_may_be_taken_slowly_too() -> None:
    whole = bytes(4_000_000)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4000000")]})
        await send({"type": "http.response.body", "body": whole})

    with on_socket(app, Settings(device="cpu", header_seconds=1)) as address, connected(address) as (raw,):
        raw.sendall(head(0, "/", "GET"))
        received = 0
        with suppress(ConnectionResetError):
            while received < len(whole) and (more := raw.recv(1 << 16)):
                received += len(more)
                time.sleep(0.06)
        assert received >= len(whole)


def test_connections_that_do_not_take_their_answers_make_room(guarded: httpx.Client, url: str) -> None:
    with asking_for_much(url, 150):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:  # until what the system takes is full
            with suppress(httpx.TransportError):
                assert guarded.get("/health/live").status_code == 200
                return
            time.sleep(0.2)
        raise AssertionError("there is no room")


def test_answers_that_are_not_taken_fill_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_MOST_UNSENT", 400_000)
    settings = Settings(device="cpu", model=tmp_path, cache_bytes=0)
    with faking(), running(settings) as address, asking_for_much(address, 12) as raws:
        time.sleep(2)
        whole = sum(len(everything(raw)) > BUNDLE.stat().st_size for raw in raws)
    assert 1 <= whole <= 8


def test_where_all_are_busy_the_address_with_most_makes_room(tmp_path: Path) -> None:
    settings = Settings(device="cpu", model=tmp_path, cache_bytes=0, max_connections=20, client_share=1)
    content = b"--x\r\n" + PART[5:] + PATIENT + b"\r\n--x--\r\n"
    with faking(), running(settings) as address, connected(address, 20) as busy:
        for raw in busy:
            raw.sendall(head(len(content)) + content)
        time.sleep(0.3)
        with httpx.Client(base_url=address, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
            assert other.get("/health/live").status_code == 200


def test_a_body_in_crumbs_is_refused_before_it_keeps_others_waiting(guarded: httpx.Client, url: str) -> None:
    crumbs = head(0, more=f"Authorization: Bearer {KEY}\r\nTransfer-Encoding: chunked") + b"1\r\na\r\n" * 100_000
    with connected(url) as (raw,):
        raw.sendall(crumbs[:-1])
        started = time.monotonic()
        assert guarded.get("/health/live").status_code == 200
        assert time.monotonic() - started < 1
        assert everything(raw).startswith(b"HTTP/1.1 400")


def test_a_body_in_chunks_of_a_usual_size_is_read(guarded: httpx.Client) -> None:
    content = PART + EXAMPLES[0].read_bytes() + b"\r\n--x--\r\n"
    pieces = [content[start : start + 500] for start in range(0, len(content), 500)]
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert len(pieces) > 100
    assert guarded.post("/classify", content=iter(pieces), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n",
        b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    ],
)
def test_what_is_no_request_is_told_so_as_any_error_is(url: str, sent: bytes) -> None:
    with connected(url) as (raw,):
        raw.sendall(sent)
        start, _, body = everything(raw).partition(b"\r\n\r\n")
    assert start.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/problem+json" in start
    told = ProblemDocument.model_validate_json(body)
    assert (told.type, told.status) == ("urn:probe-sandwich:problem:bad-request", 400)
    assert f"content-length: {len(body)}".encode() in start


def test_where_an_answer_was_given_already_a_broken_body_gets_no_second_one(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(url) as (raw,):
        raw.sendall(head(0, "/health", "POST", more="Transfer-Encoding: chunked"))
        time.sleep(0.5)
        raw.sendall(b"no length\r\n")
        answers = everything(raw)
    assert answers.startswith(b"HTTP/1.1 405")
    assert answers.count(b"HTTP/1.1") == 1
    assert "call failed" not in caplog.text


@contextmanager
def asking_for_much(url: str, count: int) -> Iterator[list[socket.socket]]:
    """Connections on which the largest file was asked for, and nothing is read."""
    with connected(url, count) as raws:
        for raw in raws:
            raw.sendall(head(0, "/docs/swagger-ui-bundle.js", "GET"))
        yield raws


def everything(raw: socket.socket, pause: float = 0.0) -> bytes:
    """What comes until the connection ends, or the file has come."""
    received = b""
    with suppress(ConnectionResetError):
        while len(received) <= BUNDLE.stat().st_size and (more := raw.recv(1 << 16)):
            received += more
            time.sleep(pause)
    return received
