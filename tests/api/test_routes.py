"""POST /classify and GET /health over real HTTP: the contract, and every kind of bad upload."""

import json
import struct
import time
from pathlib import Path

import httpx
import pytest
import torch
from probe_sandwich.api.refusals import STATUS_OF_CHECKPOINT_ERRORS
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.checkpoint import (
    UnreadableFile,
    UnrunnableModel,
    load_checkpoint,
    save_checkpoint,
)

from tests.api.bundles import bundle_of, zip_of
from tests.api.raw import slug
from tests.conftest import EXAMPLES, FAST, ConfigFactory, fresh_weights, post, running
from tests.subjects.test_checkpoint import rewrite


def test_health_names_device_meta_classifier_and_versions(http: httpx.Client) -> None:
    health = http.get("/health").raise_for_status().json()
    assert health["status"] == "ready"
    assert health["device"] == "cpu"
    assert health["meta_classifier"]["name"] == "universal"
    assert health["versions"]["torch"] == torch.__version__


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gets_both_answers(http: httpx.Client, example: Path) -> None:
    answer = post(http, example.read_bytes(), formulas_per_length="500").raise_for_status().json()
    expected = example.stem == "generalizer"
    assert answer["direct_test"]["generalizer"] is expected
    assert answer["direct_test"]["converged"] is True
    assert answer["verdict"] == ("generalizer" if expected else "not_generalizer")
    assert answer["agreement"] == "agree"
    low, high = answer["probability_interval"]
    assert 0 <= low <= answer["generalizer_probability"] <= high <= 1


def test_the_answer_has_the_fields_of_the_contract(http: httpx.Client) -> None:
    answer = post(http, EXAMPLES[0].read_bytes()).json()
    assert set(answer) == {
        "checkpoint",
        "generalizer_probability",
        "probability_interval",
        "withheld_probability",
        "withheld_interval",
        "member_probabilities",
        "verdict",
        "doubt",
        "reason",
        "direct_test",
        "agreement",
        "probe_content",
        "probes",
        "kept_answers",
        "meta_classifier",
        "device",
        "timings_seconds",
    }
    assert set(answer["checkpoint"]) == {"sha256", "architecture", "parameters", "train_max_length", "task"}
    assert {"min_length", "max_length", "relative", "formulas", "correct", "accuracy"} < set(
        answer["direct_test"]["buckets"][0]
    )


def test_the_same_request_gets_the_same_answer(http: httpx.Client) -> None:
    one, other = (post(http, EXAMPLES[0].read_bytes(), seed="5").json() for _ in range(2))
    del one["timings_seconds"], other["timings_seconds"]
    assert one == other


def test_the_direct_test_can_be_left_out(http: httpx.Client) -> None:
    answer = post(http, EXAMPLES[0].read_bytes(), direct_test="false").json()
    assert answer["direct_test"] is None
    assert answer["agreement"] == "undecided"


def test_an_event_stream_tells_the_stages_and_ends_with_the_result(http: httpx.Client) -> None:
    response = post(http, EXAMPLES[0].read_bytes(), accept="text/event-stream")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in response.text.strip().split("\n\n")]
    stages = [json.loads(event["data"])["stage"] for event in events[:-1]]
    assert stages == ["queued", "checkpoint", "sandwich", *["direct_test"] * 5]
    assert events[-1]["event"] == "result"
    plain = post(http, EXAMPLES[0].read_bytes()).json()
    assert json.loads(events[-1]["data"])["generalizer_probability"] == plain["generalizer_probability"]


def test_the_stream_of_a_batch_counts_the_files_that_are_answered_and_ends_with_all_of_them(
    http: httpx.Client,
) -> None:
    contents = [*(path.read_bytes() for path in EXAMPLES), b"junk"]
    files = [("checkpoints", (f"{number}", content)) for number, content in enumerate(contents)]
    response = http.post("/classify/batch", data=FAST, files=files, headers={"accept": "text/event-stream"})
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in response.text.strip().split("\n\n")]
    answered = [json.loads(event["data"])["answered"] for event in events[:-1]]
    assert (answered[0], answered) == (0, sorted(answered))
    assert 1 <= answered[-1] < len(contents)  # the last stage comes before the last answer
    assert events[-1]["event"] == "result"
    results = json.loads(events[-1]["data"])["results"]
    assert [result["file"] for result in results] == ["0", "1", "2"]
    assert [result["problem"] is None for result in results] == [True, True, False]


def test_an_event_stream_ends_with_the_problem(http: httpx.Client) -> None:
    response = post(http, b"junk", accept="text/event-stream")
    last = response.text.strip().split("\n\n")[-1]
    assert last.startswith("event: problem")
    assert "not-safetensors" in last


@pytest.mark.parametrize("train_max_length", [4, 5])
def test_a_training_length_without_formulas_is_a_problem_and_no_failure(
    http: httpx.Client, checkpoint_file: Path, train_max_length: int
) -> None:
    rewrite(checkpoint_file, {"train_max_length": train_max_length})
    content = checkpoint_file.read_bytes()
    refused = post(http, content)
    assert (refused.status_code, slug(refused)) == (422, "no-formulas")
    assert "direct_test=false" in refused.json()["detail"]
    streamed = post(http, content, accept="text/event-stream")
    event, data = streamed.text.strip().split("\n\n")[-1].splitlines()
    assert (event, json.loads(data.removeprefix("data: "))) == ("event: problem", refused.json())
    assert post(http, content, direct_test="false").status_code == 200


def test_an_untrained_subject_gets_no_verdict(http: httpx.Client, checkpoint_file: Path) -> None:
    answer = post(http, checkpoint_file.read_bytes()).json()
    assert answer["verdict"] == "abstain"
    assert answer["direct_test"]["converged"] is False


@pytest.mark.parametrize("changes", [{"train_max_length": 8}, {"task": {"name": "formula"}}], ids=["T = 8", "formula"])
def test_what_no_special_meta_classifier_is_for_is_asked_by_the_universal_one(
    http: httpx.Client, checkpoint_file: Path, changes: dict[str, object]
) -> None:
    rewrite(checkpoint_file, changes)
    answer = post(http, checkpoint_file.read_bytes()).json()
    assert answer["meta_classifier"]["name"] == "universal"
    assert answer["probe_content"] == "drawn inputs"
    assert answer["verdict"] == "abstain"  # it was never trained
    assert answer["withheld_probability"] is not None
    assert len(answer["direct_test"]["buckets"]) == 5


def bad_uploads(good: Path) -> dict[str, tuple[int, bytes]]:
    """Every kind of bad upload, with the status and the problem type it must get."""
    content = good.read_bytes()
    pickle = good.with_suffix(".pt")
    torch.save({"a": torch.zeros(2)}, pickle)

    def rewritten(config: dict[str, object] | None = None, **tensors: torch.Tensor | None) -> bytes:
        copy = good.with_name("copy.safetensors")
        copy.write_bytes(content)
        rewrite(copy, config, **tensors)
        return copy.read_bytes()

    weights = load_checkpoint(good).weights
    bare = struct.pack("<Q", 2) + b"{}"
    no_ampersand = [symbol if symbol != "&" else "+" for symbol in load_checkpoint(good).config.vocabulary]
    return {
        "empty-file": (400, b""),
        "malformed-file": (400, content[: len(content) // 2]),
        "not-safetensors": (415, b"\x89PNG\r\n\x1a\n" + bytes(64)),
        "header-too-large": (400, struct.pack("<Q", 2**60) + content[8:]),
        "not-safetensors ": (415, pickle.read_bytes()),
        "missing-config": (422, bare),
        "invalid-config": (422, rewritten({"auto_map": "evil.py"})),
        "invalid-config ": (422, rewritten({"d_model": 10**9})),
        "too-many-parameters": (413, rewritten({"d_model": 1024, "layers": 24, "d_ff": 4096})),
        "missing-tensor": (422, rewritten(embedding=None)),
        "unexpected-tensor": (422, rewritten(surplus=torch.zeros(1))),
        "wrong-shape": (422, rewritten(embedding=torch.zeros(3, 3))),
        "wrong-type": (422, rewritten(embedding=weights["embedding"].long())),
        "non-finite-weights": (422, rewritten(embedding=weights["embedding"] / 0)),
        "bad-bundle": (400, zip_of(**{"config.json": b"{}"})),
        "unsupported-architecture": (422, bundle_of(architectures=["Nobody"])),
        "missing-symbol": (422, rewritten({"vocabulary": no_ampersand})),
    }


def test_every_bad_upload_gets_its_problem_within_a_second_and_the_next_good_one_works(
    http: httpx.Client, checkpoint_file: Path
) -> None:
    uploads = bad_uploads(checkpoint_file)
    named = {name.strip() for name in uploads}
    # What nobody foresaw, and what needs the library of foreign models, is tried in tests/subjects.
    elsewhere = {UnreadableFile, UnrunnableModel}
    assert len(named) == len(STATUS_OF_CHECKPOINT_ERRORS.keys() - elsewhere), "a cause is not tried"
    for name, (status, content) in uploads.items():
        started = time.monotonic()
        response = post(http, content)
        assert time.monotonic() - started < 1
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert (response.status_code, problem["type"]) == (status, f"urn:probe-sandwich:problem:{name.strip()}")
        assert problem["detail"]
    assert post(http, EXAMPLES[0].read_bytes()).status_code == 200


def test_a_request_without_a_file_is_told_so(http: httpx.Client) -> None:
    response = http.post("/classify", data=FAST)
    assert response.status_code == 422
    assert "checkpoint" in response.json()["detail"]


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_an_upload_over_the_limit_is_cut(http: httpx.Client, declared: bool) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="checkpoint"; filename="one"\r\n\r\n'
    body = part + b"x" * 3_000_000
    content = body if declared else iter([body[:1_500_000], body[1_500_000:]])
    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = http.post("/classify", content=content, headers=headers)
    assert (response.status_code, response.json()["type"].split(":")[-1]) == (413, "upload-too-large")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/classify", 405)])
def test_other_errors_are_problems_too(http: httpx.Client, method: str, path: str, status: int) -> None:
    response = http.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_a_service_without_models_says_so(tmp_path: Path, checkpoint_file: Path) -> None:
    with (
        running(Settings(device="cpu", model=tmp_path, cache_bytes=0)) as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        assert http.get("/health").json()["status"] == "no_meta_classifier"
        ready = http.get("/health/ready")
        assert ready.status_code == 503
        assert f"{tmp_path} holds no meta-classifier" in ready.json()["detail"]
        answer = post(http, checkpoint_file.read_bytes()).json()
        assert (answer["verdict"], answer["generalizer_probability"]) == ("abstain", None)


def test_odd_file_names_do_no_harm(http: httpx.Client) -> None:
    files = {"checkpoint": ("../../etc/päß\u202e.safetensors", EXAMPLES[0].read_bytes())}
    assert http.post("/classify", data=FAST, files=files).status_code == 200


def test_a_subject_that_overflows_gets_no_probability(
    http: httpx.Client, tiny_config: ConfigFactory, tmp_path: Path
) -> None:
    """All weights are finite, as an upload's must be; what they make of an input is not."""
    config = tiny_config()
    huge = {name: weight * 1e30 for name, weight in fresh_weights(config).items()}
    save_checkpoint(tmp_path / "huge.safetensors", config, huge)
    answer = post(http, (tmp_path / "huge.safetensors").read_bytes()).raise_for_status().json()
    assert (answer["verdict"], answer["generalizer_probability"], answer["probes"]) == ("abstain", None, [])
    assert answer["probability_interval"] is None
    assert "not finite" in answer["reason"]
    assert answer["direct_test"]["converged"] is False
