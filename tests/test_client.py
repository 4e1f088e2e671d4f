"""Clients of the service, blocking and asynchronous."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from probe_sandwich.answer import Diagnosis
from probe_sandwich.client import AsyncClient, Client, NoService, ServiceProblem
from probe_sandwich.options import Options
from probe_sandwich.subjects.checkpoint import load_checkpoint

from tests.conftest import EXAMPLES
from tests.own_task import evenly_answered, labelled_file, own_checkpoint, texts, unlabelled_file
from tests.serving import free_port
from tests.test_answer import EXAMPLE as EXAMPLE_ANSWER


def test_clients_tell_of_progress_and_agree(service_url: str) -> None:
    stages: list[tuple[str, str]] = []
    options = Options(formulas_per_length=50)
    with Client(service_url) as client:
        followed = client.classify(EXAMPLES[0], options, lambda stage, detail: stages.append((stage, detail)))
        plain = client.classify(EXAMPLES[0], options)
        many = client.classify_many(list(EXAMPLES), options)
    assert stages[0] == ("queued", "")
    assert stages[-1] == ("direct_test", "(3T, 4T]")

    async def ask() -> list[Any]:
        async with AsyncClient(service_url) as client:
            heard: list[str] = []
            answer = await client.classify(EXAMPLES[0], options, lambda stage, detail: heard.append(stage))
            with pytest.raises(ServiceProblem, match="not-safetensors"):
                await client.classify(Path(__file__), options, lambda stage, detail: None)
            return [answer, heard, (await client.health())["status"]]

    answer, heard, status = asyncio.run(ask())
    probabilities = {item.generalizer_probability for item in (followed, plain, answer)}
    assert len(probabilities) == 1
    assert [result.diagnosis is not None for result in many] == [True, True]
    assert (heard[0], status) == ("queued", "ready")


class BusyService(ThreadingHTTPServer):
    """Refuses some requests as a full queue does, and answers the others with the documented example."""

    def __init__(self, refusals: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refusals = refusals
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, BusyService)
        self.server.refusals -= 1
        refused = self.server.refusals >= 0
        content = b"{}" if refused else EXAMPLE_ANSWER.encode()
        self.send_response(429 if refused else 200)
        self.send_header("retry-after", "0")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def busy(refusals: int) -> Iterator[str]:
    """The URL of a service that refuses so many requests before it answers."""
    with BusyService(refusals) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


async def asynchronously(url: str) -> Diagnosis:
    async with AsyncClient(url) as client:
        return await client.classify(EXAMPLES[0])


def blocking(url: str) -> Diagnosis:
    with Client(url) as client:
        return client.classify(EXAMPLES[0])


CLIENTS = [blocking, lambda url: asyncio.run(asynchronously(url))]


@pytest.mark.parametrize("classify", CLIENTS, ids=["blocking", "asynchronous"])
def test_clients_try_again_where_the_queue_is_full(classify: Callable[[str], Diagnosis]) -> None:
    with busy(refusals=5) as url:
        assert classify(url).verdict == Diagnosis.model_validate_json(EXAMPLE_ANSWER).verdict


@pytest.mark.parametrize("classify", CLIENTS, ids=["blocking", "asynchronous"])
def test_clients_give_up_after_six_attempts(classify: Callable[[str], Diagnosis]) -> None:
    with busy(refusals=6) as url, pytest.raises(ServiceProblem, match="429"):
        classify(url)


@pytest.mark.parametrize("classify", CLIENTS, ids=["blocking", "asynchronous"])
def test_where_no_service_answers_the_url_is_named_and_how_to_start_one(classify: Callable[[str], Diagnosis]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NoService, match=f"no service answers at {url} .* start one with `probe-sandwich serve`"):
        classify(url)
    with Client(url) as client:
        for ask in (client.health, lambda: client.classify_many([EXAMPLES[0]])):
            with pytest.raises(NoService, match=url):
                ask()


def test_the_client_returns_a_diagnosis_or_raises_the_problem(service_url: str, checkpoint_file: Path) -> None:
    with Client(service_url) as client:
        answer = client.classify(str(EXAMPLES[0]), Options(formulas_per_length=50))
        assert answer.checkpoint.sha256 == load_checkpoint(EXAMPLES[0]).sha256
        checkpoint_file.write_bytes(b"")
        with pytest.raises(ServiceProblem, match="empty-file"):
            client.classify(checkpoint_file)


def test_inputs_of_the_users_own_go_with_a_checkpoint(service_url: str, tmp_path: Path) -> None:
    own, labelled = own_checkpoint(tmp_path), labelled_file(tmp_path, [*texts(50, 10), *evenly_answered(30, 15)])
    wrong = unlabelled_file(tmp_path, ["xyz"])

    async def ask() -> Diagnosis:
        async with AsyncClient(service_url) as client:
            with pytest.raises(ServiceProblem, match="inputs: line 1 holds 'z'"):
                await client.classify(own, inputs=wrong)
            return await client.classify(own, labelled=labelled)

    with Client(service_url) as client:
        with pytest.raises(ServiceProblem, match="inputs: line 1 holds 'z'"):
            client.classify(own, inputs=wrong)
        answers = [client.classify(own, labelled=labelled), asyncio.run(ask())]
        (result,) = client.classify_many([own], labelled=labelled)
    for answer in (*answers, result.diagnosis):
        assert answer is not None
        assert answer.direct_test is not None
        assert [bucket.formulas for bucket in answer.direct_test.buckets] == [50, 30, 0, 0, 0]
