"""Who gets in: by route, by key, by size and rate, by place; and nobody at anybody else's cost."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from probe_sandwich.api.connections import bounded
from probe_sandwich.client import Client
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings
from pydantic import ValidationError

from tests.api.fakes import PATIENT, faking
from tests.api.raw import PART, answer_of, ask, connected, head, slug
from tests.conftest import EXAMPLES, FAST, post, running

KEY, LIMIT = "s3cret", 2_000_000
SMALL: dict[str, Any] = {
    "device": "cpu",
    "cache_bytes": 0,
    "api_key": KEY,
    "max_upload_bytes": LIMIT,
    "queue_size": 8,
    "max_uploads": 24,
    "client_share": 0.5,
    "upload_seconds": 2.0,
    "upload_bytes_per_second": 10_000,
    "max_connections": 100,
    "cors_origins": "https://one.example, https://two.example",
}
WITH_KEY = {"authorization": f"Bearer {KEY}"}


@contextlib.contextmanager
def behind(app: Any, root_path: str = "") -> Iterator[str]:
    """An app on a socket, behind a proxy's prefix; no worker of it need start."""
    config = uvicorn.Config(app, port=0, log_level="warning", root_path=root_path, http=bounded(Settings(**SMALL)))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    models = {"model": tmp_path_factory.mktemp("model")}
    with faking(), running(Settings.model_validate(SMALL | models)) as address:
        yield address


@pytest.fixture
def guarded(url: str) -> Iterator[httpx.Client]:
    """A client with the key."""
    with httpx.Client(base_url=url, timeout=60, headers=WITH_KEY) as client:
        yield client


PATHS = ["/classify", "/classify/", "//classify", "/%63lassify", "/classify%2F", "/./classify", "/classify/batch"]


@pytest.mark.parametrize("prefix", ["--root-path", "mount"])
def test_no_spelling_of_the_path_gets_past_the_key_or_the_limit(prefix: str, tmp_path: Path) -> None:
    service = create_app(Settings.model_validate(SMALL | {"model": tmp_path}))
    outer = FastAPI(lifespan=lambda _: service.router.lifespan_context(service))
    outer.mount("/api", service)
    app, root_path = (outer, "") if prefix == "mount" else (service, "/api")
    start = "/api" if prefix == "mount" else ""  # a proxy takes its prefix off, and uvicorn puts it on
    # The 5 MB are declared and not sent: whoever waits for them has let the request in.
    with faking(), behind(app, root_path) as address:
        for path in PATHS:
            for more, refused in (("", (401,)), (f"Authorization: Bearer {KEY}", (413,))):
                answer = ask(address, head(5_000_000, start + path, more=more))
                assert int(answer.split()[1]) in (*refused, 307, 404), (path, answer)
        for path in ("/classify", "/%63lassify", "/classify/batch"):
            answer = ask(address, head(5_000_000, start + path))
            assert answer.startswith("HTTP/1.1 401"), (path, answer)


def test_the_scheme_of_the_key_is_read_in_any_case_and_the_key_as_it_is(url: str) -> None:
    for given, status in (
        ("bearer s3cret", 422),
        ("BEARER s3cret", 422),
        ("Basic s3cret", 401),
        ("Bearer S3CRET", 401),
    ):
        response = httpx.post(f"{url}/classify", headers={"authorization": given}, data=FAST)
        assert response.status_code == status, given


@pytest.mark.parametrize("key", ["schlüssel", "voilà", "s3cret\n"])
def test_a_key_is_compared_byte_by_byte_whatever_its_letters(tmp_path: Path, key: str) -> None:
    settings = Settings.model_validate(SMALL | {"model": tmp_path, "api_key": key})
    with faking(), running(settings) as address:
        with Client(address, api_key=key) as client:
            assert client.classify(EXAMPLES[0]).checkpoint.task == "conjunction"
        for given, status in ((key.strip(), 422), (key.strip()[:-1], 401), (key.strip() + "x", 401)):
            sent = httpx.post(f"{address}/classify", headers={b"authorization": f"Bearer {given}".encode()}, data=FAST)
            assert sent.status_code == status, given


def test_a_blank_key_is_no_key() -> None:
    with pytest.raises(ValidationError, match="the key is blank"):
        Settings.model_validate({"api_key": "\n"})


def test_header_only_connections_cost_nobody_his_place(guarded: httpx.Client, url: str) -> None:
    key = f"Authorization: Bearer {KEY}"
    with connected(url, 8) as silent:
        for raw in silent:
            raw.sendall(head(1000, more=key))
        assert post(guarded, EXAMPLES[0].read_bytes()).status_code == 200
        for raw in silent:
            answer = answer_of(raw)
            assert answer.startswith("HTTP/1.1 408"), answer
            assert "upload-too-slow" in answer


def test_an_upload_that_trickles_is_cut_and_a_steady_one_is_not(guarded: httpx.Client, url: str) -> None:
    content = PART + EXAMPLES[0].read_bytes() + b"\r\n--x--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=x"}

    def pieces(count: int, size: int) -> Iterator[bytes]:
        for number in range(count):
            time.sleep(0.25)
            yield content[number * size : (number + 1) * size]

    rate = len(content) // 12
    steady = guarded.post("/classify", content=pieces(13, rate), headers=headers)
    assert steady.status_code == 200, steady.text  # 3 s of sending, where 2 s are given: its rate carries it
    with connected(url) as (raw,):
        raw.sendall(head(len(content), more=f"Authorization: Bearer {KEY}"))
        for piece in pieces(6, 10):
            raw.sendall(piece)
        assert answer_of(raw).startswith("HTTP/1.1 408")


def test_one_client_cannot_hold_the_uploads_of_all(guarded: httpx.Client, url: str) -> None:
    key = f"Authorization: Bearer {KEY}"
    with connected(url, 13) as silent:
        for raw in silent[:12]:
            raw.sendall(head(1000, client="10.0.0.1", more=key))
        time.sleep(0.3)
        silent[12].sendall(head(1000, client="10.0.0.1", more=key))
        answer = answer_of(silent[12])
        assert answer.startswith("HTTP/1.1 429")
        assert "client-limit" in answer
        assert "your address" in answer
        assert "retry-after" in answer.lower()
        other = guarded.post(
            "/classify",
            data=FAST,
            files={"checkpoint": ("x", EXAMPLES[0].read_bytes())},
            headers={"x-forwarded-for": "10.0.0.2"},
        )
        assert other.status_code == 200


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
            with contextlib.suppress(ConnectionResetError):
                assert raw.recv(10) == b""


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ([("checkpoint", ("a", b"1")), ("checkpoint", ("b", b"2"))], "checkpoint: sent more than once"),
        ([("checkpoint", ("a", b"1")), ("chekpoint", ("b", b"2"))], "chekpoint: no field of this form"),
        ([("checkpoint", ("a", b"1")), ("noise-draws", (None, "3"))], "noise-draws: no field of this form"),
        ([("checkpoint", ("a", b"1")), ("seed", (None, "3")), ("seed", (None, "4"))], "seed: sent more than once"),
    ],
)
def test_a_part_that_is_not_asked_for_is_named(guarded: httpx.Client, parts: Any, word: str) -> None:
    response = guarded.post("/classify", files=parts)
    assert (response.status_code, slug(response)) == (422, "invalid-request")
    assert word in response.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status", "what"),
    [
        ({"content-type": "multipart/form-data; boundary=x", "content-encoding": "gzip"}, 415, "unsupported-encoding"),
        ({"content-type": "application/octet-stream"}, 415, "not-multipart"),
        ({"content-type": "application/x-www-form-urlencoded"}, 422, "invalid-request"),
        ({"content-type": "application/json"}, 415, "not-multipart"),
    ],
)
def test_a_body_of_another_kind_is_told_what_is_expected(
    guarded: httpx.Client, headers: dict[str, str], status: int, what: str
) -> None:
    response = guarded.post("/classify", content=b"\x1f\x8b123", headers=headers)
    assert (response.status_code, slug(response)) == (status, what)
    assert "curl -F checkpoint=@model.safetensors" in response.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"--x\r\n", b"--y--", b"\x00" * 100, PART[:-3]])
def test_a_broken_form_is_a_400_or_names_the_missing_part(guarded: httpx.Client, content: bytes) -> None:
    response = guarded.post("/classify", content=content, headers={"content-type": "multipart/form-data; boundary=x"})
    assert response.status_code in (400, 422)


def test_a_page_of_a_named_origin_may_ask_and_no_other(guarded: httpx.Client) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for origin, allowed in (("https://two.example", True), ("https://three.example", False)):
        answer = guarded.options("/classify", headers=asked | {"origin": origin})
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    assert "CORSMiddleware" not in str(create_app(Settings(device="cpu")).user_middleware), "by default nobody's"


def test_invented_methods_are_one_series(guarded: httpx.Client, url: str) -> None:
    for number in range(20):
        ask(url, head(0, "/health", method=f"INVENTED{number}"))
    text = guarded.get("/metrics").text
    assert "INVENTED" not in text
    assert 'method="other"' in text


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "WORKER_MEMORY_BYTES", "CORS_ORIGINS", "DEVICE"):
        monkeypatch.setenv(f"PROBE_SANDWICH_{name}", "")
    settings = Settings()
    assert (settings.api_key, settings.worker_memory_bytes, settings.cors_origins) == (None, 2**30, [])


def test_an_upload_lies_on_disk_once_and_goes_with_the_request(guarded: httpx.Client, monkeypatch: Any) -> None:
    import probe_sandwich.api.service as module  # noqa: PLC0415

    seen: list[int] = []
    hashed = module._sha256

    def look(subject: Any) -> str:
        seen.extend(path.stat().st_size for path in subject.checkpoint.parent.iterdir())
        seen.append(-1)
        folders.append(subject.checkpoint.parent)
        return hashed(subject)

    folders: list[Path] = []
    monkeypatch.setattr(module, "_sha256", look)
    content = EXAMPLES[0].read_bytes()
    assert post(guarded, content).status_code == 200
    assert seen == [len(content), -1]
    post(guarded, b"junk")
    time.sleep(0.1)
    assert list(folders[0].iterdir()) == []


def test_a_socket_that_closes_in_the_middle_leaves_nothing(guarded: httpx.Client, url: str) -> None:
    address = url.rsplit(":", 1)
    for _ in range(10):
        raw = socket.create_connection(("127.0.0.1", int(address[1])))
        raw.sendall(head(100_000, more=f"Authorization: Bearer {KEY}") + PART + bytes(1000))
        raw.close()
    time.sleep(0.5)
    lines = guarded.get("/metrics").text.splitlines()
    assert "probe_sandwich_uploads_in_flight 0.0" in lines


def test_a_full_queue_has_a_place_for_who_has_none_at_the_cost_of_who_has_most(tmp_path: Path) -> None:
    settings = SMALL | {"model": tmp_path, "api_key": None, "queue_size": 4, "deadline_seconds": 2.0}
    with (
        faking(),
        running(Settings.model_validate(settings)) as url,
        httpx.Client(base_url=url, timeout=30) as http,
        ThreadPoolExecutor(4) as pool,
    ):

        def ask(client: str, content: bytes) -> httpx.Response:
            return http.post("/classify", files={"checkpoint": content}, headers={"x-forwarded-for": client})

        held = [pool.submit(ask, f"10.0.0.{number // 2}", PATIENT) for number in range(4)]
        while len([line for line in http.get("/metrics").text.splitlines() if line.endswith("in_flight 4.0")]) < 1:
            time.sleep(0.05)
        time.sleep(0.2)
        honest = ask("10.0.0.9", b"fine")
        assert (honest.status_code, honest.json()["detail"]) == (400, "fine")
        again = ask("10.0.0.0", PATIENT)
        statuses = sorted(job.result().status_code for job in held)
        assert statuses == [422, 422, 422, 429]
        assert again.status_code in (422, 429)
