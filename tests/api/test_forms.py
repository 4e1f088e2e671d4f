"""Inputs of the user's own in a request: bounded, part of an answer's key, and of the form that a description takes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from probe_sandwich.api.forms import description_of
from probe_sandwich.api.problems import Problem
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.bundles import Description
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.task import OwnTask

from tests.api.fakes import faking
from tests.api.raw import slug
from tests.conftest import EXAMPLES, FAST, running
from tests.own_task import evenly_answered, labelled_file, own_checkpoint, texts, unlabelled_file

LIMIT = 1000
Files = list[tuple[str, tuple[str, bytes]]]


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a service that takes few bytes of inputs and keeps its answers."""
    settings = Settings(device="cpu", model=tmp_path, cache_dir=tmp_path / "cache", max_inputs_bytes=LIMIT)
    with faking(), running(settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def send(client: httpx.Client, path: str = "/classify", **given: bytes) -> httpx.Response:
    name = "checkpoint" if path == "/classify" else "checkpoints"
    parts: Files = [(name, ("one.safetensors", EXAMPLES[0].read_bytes()))]
    parts += [(part, (f"{part}.txt", content)) for part, content in given.items()]
    return client.post(path, data=FAST, files=parts)


@pytest.mark.parametrize("path", ["/classify", "/classify/batch"])
@pytest.mark.parametrize("part", ["inputs", "labelled"])
def test_a_file_of_inputs_has_a_limit_of_its_own(bounded: httpx.Client, part: str, path: str) -> None:
    assert send(bounded, path, **{part: bytes(LIMIT)}).status_code == 200
    refused = send(bounded, path, **{part: bytes(LIMIT + 1)})
    assert (refused.status_code, slug(refused)) == (413, "inputs-too-large")
    assert refused.json()["detail"].startswith(f"{part}: ")


def test_inputs_are_part_of_what_an_answer_is_kept_by(bounded: httpx.Client) -> None:
    requests: list[dict[str, bytes]] = [{}, {"inputs": b"x"}, {"labelled": b"x"}, {"inputs": b"y"}, {"inputs": b""}]
    for expected in ("fwd=miss", "hit"):
        for request in requests:
            status = send(bounded, **request).raise_for_status().headers["cache-status"]
            assert status == f"probe-sandwich; {expected}", request


def described(**fields: str) -> Description:
    text = description_of(vocabulary='["x", "y", "[CLS]", "a", "b"]', train_max_length=12, **fields)
    assert text is not None
    return Description.model_validate_json(text)


def test_a_foreign_model_may_be_of_any_built_in_task_or_of_its_own() -> None:
    assert described(task="parity").task == LanguageTask(name=LanguageName.PARITY)
    assert described(task="mine", alphabet='["x", "y"]').task == OwnTask(name="mine", alphabet=("x", "y"))


@pytest.mark.parametrize(
    ("fields", "words"), [({}, "alphabet: 'mine' is no built-in"), ({"alphabet": "x"}, "JSON list")]
)
def test_of_an_own_task_the_alphabet_is_asked_for_by_name(fields: dict[str, str], words: str) -> None:
    with pytest.raises(Problem) as refused:
        described(task="mine", **fields)
    assert refused.value.status_code == 422
    assert words in refused.value.detail


@pytest.mark.parametrize("text", ["[" * 990 + "]" * 990, "[1, 2]", '{"a": 1}', '"a"', "[", '["\\ud800"]'])
@pytest.mark.parametrize("field", ["vocabulary", "alphabet", "symbols"])
def test_lists_and_names_of_a_description_hold_texts_and_nothing_else(
    bounded: httpx.Client, field: str, text: str
) -> None:
    files = {"checkpoint": EXAMPLES[0].read_bytes(), "config": b"{}"}
    refused = bounded.post("/classify", data={field: text, "train_max_length": "12"}, files=files)
    assert (refused.status_code, slug(refused)) == (422, "invalid-request")
    assert "as a JSON list" in refused.json()["detail"]


@pytest.mark.parametrize(
    "fields",
    [
        {"task": "parity"},
        {"vocabulary": '["x"]'},
        {"train_max_length": "12"},
        {"symbols": '{"~": "!"}'},
        {"begin": "a"},
    ],
)
def test_what_describes_a_foreign_model_is_refused_without_one(bounded: httpx.Client, fields: dict[str, str]) -> None:
    refused = bounded.post("/classify", data=FAST | fields, files={"checkpoint": EXAMPLES[0].read_bytes()})
    assert (refused.status_code, slug(refused)) == (422, "invalid-request")
    assert "describe a foreign model" in refused.json()["detail"]
    assert set(fields) <= set(re.findall(r"\w+", refused.json()["detail"]))


def own_parts(folder: Path) -> Files:
    labelled = labelled_file(folder, [*texts(50, 10), *evenly_answered(30, 15), *evenly_answered(40, 20)])
    paths = {"checkpoint": own_checkpoint(folder), "inputs": unlabelled_file(folder), "labelled": labelled}
    return [(name, (path.name, path.read_bytes())) for name, path in paths.items()]


def buckets(answer: Any) -> list[int]:
    return [bucket["formulas"] for bucket in answer["direct_test"]["buckets"]]


def test_the_direct_test_of_a_request_runs_on_its_labelled_inputs(http: httpx.Client, tmp_path: Path) -> None:
    parts = own_parts(tmp_path)
    answer = http.post("/classify", data=FAST, files=parts).raise_for_status().json()
    assert (answer["checkpoint"]["task"], buckets(answer)) == ("mine", [50, 30, 40, 0, 0])
    together = [("checkpoints", content) if name == "checkpoint" else (name, content) for name, content in parts]
    (result,) = http.post("/classify/batch", data=FAST, files=together).raise_for_status().json()["results"]
    assert buckets(result["diagnosis"]) == [50, 30, 40, 0, 0]


def test_a_task_of_ones_own_is_answered_without_any_inputs_and_costs_others_nothing(
    http: httpx.Client, tmp_path: Path
) -> None:
    own, built_in = own_checkpoint(tmp_path).read_bytes(), EXAMPLES[0].read_bytes()
    answer = http.post("/classify", files={"checkpoint": own}).raise_for_status().json()
    assert (answer["checkpoint"]["task"], answer["direct_test"]) == ("mine", None)
    assert "labelled" in answer["reason"]
    files = [("checkpoints", (str(number), content)) for number, content in enumerate((own, built_in))]
    results = http.post("/classify/batch", data=FAST, files=files).raise_for_status().json()["results"]
    assert [result["diagnosis"]["direct_test"] is None for result in results] == [True, False]


def test_a_line_that_cannot_be_used_is_a_422_that_names_it(http: httpx.Client, tmp_path: Path) -> None:
    for part, line, words in (
        ("inputs", "x" * 13, "inputs: line 1 has 13 symbols; unlabelled inputs have at most T = 12"),
        ("labelled", json.dumps({"input": "xz", "label": 1}), "labelled: line 1 holds 'z'; the task's symbols are x y"),
    ):
        parts = [(name, content) for name, content in own_parts(tmp_path) if name != part]
        refused = http.post("/classify", data=FAST, files=[*parts, (part, ("given", line.encode()))])
        assert (refused.status_code, slug(refused)) == (422, "unusable-inputs")
        assert words in refused.json()["detail"]
