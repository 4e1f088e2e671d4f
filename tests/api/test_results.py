"""Answers that are kept have an address: who has it, and the key where one is wanted, sees the answer again."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from probe_sandwich.api.documented import EXAMPLE
from probe_sandwich.settings import Settings

from tests.api.conftest import KEY, WITH_KEY
from tests.api.fakes import faking
from tests.conftest import running

FILE = b"\xff any bytes but text: the fake worker gives them the example"
NOWHERE = f"/results/{'0' * 64}"


def serving(folder: Path, **settings: object) -> Settings:
    facts = {"device": "cpu", "model": folder / "model", "cache_dir": folder / "answers"}
    return Settings.model_validate(facts | settings)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that keeps its answers."""
    settings = serving(tmp_path_factory.mktemp("results"))
    with faking(), running(settings) as url, httpx.Client(base_url=url, timeout=30) as found:
        yield found


def classify(client: httpx.Client, content: bytes = FILE, accept: str = "*/*", **fields: str) -> httpx.Response:
    files = {"checkpoint": ("one.safetensors", content)}
    return client.post("/classify", files=files, data=fields, headers={"accept": accept})


@pytest.fixture
def address(client: httpx.Client) -> str:
    """Where an answer is kept."""
    return str(classify(client).headers["content-location"])


def test_an_answer_says_where_it_is_kept_and_is_the_same_there(client: httpx.Client, address: str) -> None:
    again = client.get(address)
    assert again.json() == classify(client).json() == EXAMPLE
    assert again.headers["content-type"] == "application/json"


def test_the_address_covers_the_bytes_and_the_options(client: httpx.Client, address: str) -> None:
    assert classify(client).headers["content-location"] == address
    others = {
        classify(client, FILE + b"!").headers["content-location"],
        classify(client, seed="1").headers["content-location"],
        classify(client, direct_test="false").headers["content-location"],
    }
    assert len(others | {address}) == 4


def test_progress_and_batches_tell_the_address_too(client: httpx.Client, address: str) -> None:
    events = classify(client, accept="text/event-stream").text
    last = events.replace("\r\n", "\n").strip().split("\n\n")[-1].split("\n")
    assert {"event: result", f"id: {address}"} <= set(last)
    files = [("checkpoints", ("one.safetensors", FILE)), ("checkpoints", ("two.safetensors", b"refused"))]
    good, bad = client.post("/classify/batch", files=files).json()["results"]
    assert (good["address"], bad["address"]) == (address, None)


def test_a_browser_is_led_to_the_page_which_shows_it(client: httpx.Client, address: str) -> None:
    answer = client.get(address, headers={"accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"../#{address}")
    assert answer.headers["vary"] == "Accept"
    landed = client.get(answer.url.join(answer.headers["location"]), headers={"accept": "text/html"})
    assert landed.headers["content-type"].startswith("text/html")


def test_it_has_a_picture_that_runs_nothing(client: httpx.Client, address: str) -> None:
    answer = client.get(f"{address}/card.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ElementTree.fromstring(answer.text).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("tail", ["", "/card.svg"])
def test_an_address_where_nothing_is_kept_is_not_found(client: httpx.Client, tail: str) -> None:
    answer = client.get(NOWHERE + tail)
    assert answer.status_code == 404
    assert answer.json()["type"].endswith(":not-found")


@pytest.mark.parametrize("key", ["x", "0" * 63, "0" * 65, "A" * 64, "..%2f..%2fetc%2fpasswd", f"{'0' * 64}%00"])
def test_what_is_no_hash_reaches_no_file(client: httpx.Client, key: str) -> None:
    assert client.get(f"/results/{key}").status_code == 404


@pytest.mark.parametrize("accept", ["application/json, text/html;q=0", "application/json, text/html;q=0.5", "*/*"])
def test_who_does_not_want_the_page_gets_json(client: httpx.Client, address: str, accept: str) -> None:
    assert client.get(address, headers={"accept": accept}).json() == EXAMPLE


def test_an_address_with_a_slash_behind_it_leads_nowhere(client: httpx.Client, address: str) -> None:
    assert client.get(f"{address}/", headers={"host": "elsewhere.example"}).status_code == 404


@pytest.mark.parametrize("tail", ["", "/card.svg"])
def test_its_head_can_be_asked_for(client: httpx.Client, address: str, tail: str) -> None:
    head, whole = client.head(address + tail), client.get(address + tail)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


def test_there_is_no_list_of_results(client: httpx.Client) -> None:
    assert {client.get(path).status_code for path in ("/results", "/results/")} == {404}


def test_a_service_with_a_key_wants_it_at_an_address(tmp_path: Path) -> None:
    settings = serving(tmp_path, api_key=KEY)
    with faking(), running(settings) as url, httpx.Client(base_url=url, timeout=30) as client:
        files = {"checkpoint": ("one.safetensors", FILE)}
        address = client.post("/classify", files=files, headers=WITH_KEY).headers["content-location"]
        for path in (address, f"{address}/card.svg", NOWHERE):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get(address, headers=WITH_KEY).json() == EXAMPLE


def test_without_a_cache_there_is_no_address(tmp_path: Path) -> None:
    settings = serving(tmp_path, cache_bytes=0)
    with faking(), running(settings) as url, httpx.Client(base_url=url, timeout=30) as client:
        assert "content-location" not in classify(client).headers
        assert "\nid:" not in classify(client, accept="text/event-stream").text
