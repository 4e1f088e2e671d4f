"""Who gets in: by route, by key, by size and rate, by place; and nobody at anybody else's cost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from probe_sandwich.client import Client, ServiceProblem
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings

from tests.api.conftest import KEY, SMALL
from tests.api.fakes import PATIENT, faking
from tests.api.raw import PART, answer_of, ask, connected, head, slug
from tests.conftest import EXAMPLES, FAST, on_socket, post, running


def behind(app: Any, root_path: str = "") -> AbstractContextManager[str]:
    """An app behind a proxy's prefix; no worker of it need start."""
    return on_socket(app, Settings(**SMALL), root_path)


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


def test_the_key_is_asked_for_before_the_body_is_read(url: str) -> None:
    # Headers alone, and no byte of the body that they declare: the answer comes all the same.
    answer = ask(url, head(1_000_000))
    assert answer.startswith("HTTP/1.1 401")
    assert "www-authenticate: bearer" in answer.lower()
    assert "urn:probe-sandwich:problem:unauthorized" in answer
    assert httpx.get(f"{url}/health").status_code == 200
    with Client(url, api_key=KEY) as client:
        assert client.classify(EXAMPLES[0]).verdict == "generalizer"
    with Client(url, api_key="other") as client, pytest.raises(ServiceProblem, match="unauthorized"):
        client.classify(EXAMPLES[0])


def test_a_full_queue_says_when_to_come_back_and_health_still_answers(fake: Settings) -> None:
    settings = fake.model_copy(update={"queue_size": 1})
    with (
        running(settings) as url,
        httpx.Client(base_url=url, timeout=30) as http,
        ThreadPoolExecutor(4) as pool,
    ):
        jobs = [pool.submit(post, http, PATIENT) for _ in range(4)]
        assert http.get("/health").status_code == 200
        by_status = {response.status_code: response for response in [job.result() for job in jobs]}
    assert set(by_status) == {422, 429}  # one runs until its deadline
    assert int(by_status[429].headers["retry-after"]) >= 1
