"""The worker process behind the service: killed, too slow, abandoned; what it costs whom."""

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
import torch
from probe_sandwich.ranking import Ranked
from probe_sandwich.settings import Settings
from probe_sandwich.subjects.checkpoint import save_checkpoint
from probe_sandwich.subjects.transformer import weight_shapes

from tests.conftest import EXAMPLES, FAST, MODEL, SAME_P, ConfigFactory, post, running

CachedService = tuple[httpx.Client, Callable[[], set[int]], Path]
SLOW = {"formulas_per_length": "10000", "noise_draws": "64"}


def child_ids() -> set[int]:
    """Living worker processes, of whatever service of this test process."""
    return {process.pid for process in multiprocessing.active_children() if process.pid is not None}


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CachedService]:
    """A service with a cache: its client, the ids of its worker processes, and the cache's folder."""
    folder = tmp_path_factory.mktemp("cache") / "answers"
    others = child_ids()
    settings = Settings(device="cpu", cache_dir=folder, queue_size=8)
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        http.get("/health/ready").raise_for_status()
        yield http, lambda: child_ids() - others, folder


def metric(http: httpx.Client, name: str) -> float:
    """Sum over the series of a metric."""
    lines = [line for line in http.get("/metrics").text.splitlines() if line.startswith(f"probe_sandwich_{name}")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def until_ready(http: httpx.Client, seconds: float = 60) -> None:
    """Wait for a worker, and before it for the service to listen."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.ConnectError):
            if http.get("/health/ready").status_code == 200:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_same_bytes_and_parameters_are_answered_from_the_cache(cached: CachedService) -> None:
    http, _, folder = cached
    content = EXAMPLES[0].read_bytes()
    first, second = post(http, content), post(http, content)
    assert first.content == second.content
    assert ("miss" in first.headers["cache-status"], "hit" in second.headers["cache-status"]) == (True, True)
    other = post(http, content, seed="3")
    assert "miss" in other.headers["cache-status"]
    for entry in folder.iterdir():
        entry.unlink()
    again = post(http, content)
    assert "miss" in again.headers["cache-status"]
    assert again.json()["generalizer_probability"] == first.json()["generalizer_probability"]


def test_a_batch_runs_stacked_and_a_bad_file_costs_its_own_result(cached: CachedService) -> None:
    http, _, _ = cached
    contents = [EXAMPLES[0].read_bytes(), b"junk", EXAMPLES[1].read_bytes(), b""]
    files = [("checkpoints", (f"{number}.safetensors", content)) for number, content in enumerate(contents)]
    results = http.post("/classify/batch", data=FAST | {"seed": "11"}, files=files).raise_for_status().json()["results"]
    assert [result["file"] for result in results] == [f"{number}.safetensors" for number in range(4)]
    problems = [result["problem"] and result["problem"]["type"].rsplit(":", 1)[1] for result in results]
    assert problems == [None, "not-safetensors", None, "empty-file"]
    for number in (0, 2):
        alone = post(http, contents[number], seed="11").json()
        assert results[number]["diagnosis"]["generalizer_probability"] == pytest.approx(
            alone["generalizer_probability"], abs=SAME_P
        )


def test_a_batch_is_ranked_and_a_bad_file_has_no_rank(cached: CachedService) -> None:
    http, _, _ = cached
    contents = [b"junk", EXAMPLES[1].read_bytes(), EXAMPLES[0].read_bytes()]
    files = [("checkpoints", (f"{number}.safetensors", content)) for number, content in enumerate(contents)]
    answer = http.post("/classify/batch", data=FAST, files=files).raise_for_status().json()
    ranking = [Ranked.model_validate(one) for one in answer["ranking"]]
    assert [(one.index, one.rank, one.last_rank) for one in ranking] == [(2, 1, 1), (1, 2, 2)]
    for one in ranking:
        assert one.probability == answer["results"][one.index]["diagnosis"]["generalizer_probability"]


def test_too_many_files_are_refused(cached: CachedService) -> None:
    http, _, _ = cached
    files = [("checkpoints", (f"{number}", b"x")) for number in range(65)]
    response = http.post("/classify/batch", data=FAST, files=files)
    assert (response.status_code, response.json()["type"].rsplit(":", 1)[1]) == (413, "too-many-files")


def test_metrics_count_requests_verdicts_and_stages(cached: CachedService) -> None:
    http, _, _ = cached
    before = [metric(http, name) for name in ("verdicts_total", "stage_seconds_count", "cache_total")]
    post(http, EXAMPLES[0].read_bytes(), seed="21")
    after = [metric(http, name) for name in ("verdicts_total", "stage_seconds_count", "cache_total")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2, 1]
    http.get("/no/such/path/1")
    http.get("/no/such/path/2")
    text = http.get("/metrics").text
    assert 'route="other",status="404"} ' in text
    assert "/no/such" not in text


def last_event(http: httpx.Client, begun: Event, **fields: str) -> dict[str, Any]:
    """What a job ends with, as it is told to who follows it; `begun` is set when the worker is at it."""
    files, headers = {"checkpoint": EXAMPLES[0].read_bytes()}, {"accept": "text/event-stream"}
    data = ""
    with http.stream("POST", "/classify", data=FAST | fields, files=files, headers=headers) as response:
        for line in response.iter_lines():
            if '"stage":"sandwich"' in line:
                begun.set()
            data = line.removeprefix("data: ") if line.startswith("data: ") else data
    return dict(json.loads(data))


def test_a_killed_worker_costs_one_job_a_clear_error_and_is_replaced(cached: CachedService) -> None:
    http, workers, _ = cached
    until_ready(http)
    restarts = metric(http, "worker_restarts_total")
    with ThreadPoolExecutor(2) as pool:
        begun = Event()
        running_job = pool.submit(last_event, http, begun, **SLOW)
        assert begun.wait(30)
        waiting_job = pool.submit(post, http, EXAMPLES[1].read_bytes(), seed="31")
        for pid in workers():
            os.kill(pid, signal.SIGKILL)
        lost, kept = running_job.result(), waiting_job.result()
    assert (lost["status"], lost["type"].rsplit(":", 1)[1]) == (503, "worker-lost")
    assert kept.status_code == 200
    assert metric(http, "worker_restarts_total") == restarts + 1
    until_ready(http)


def test_a_worker_killed_while_idle_costs_nobody_anything(cached: CachedService) -> None:
    http, workers, _ = cached
    until_ready(http)
    for pid in workers():
        os.kill(pid, signal.SIGKILL)
    while http.get("/health/ready").status_code == 200:
        time.sleep(0.01)
    assert http.get("/health/live").status_code == 200
    assert http.get("/health").json()["status"] == "starting"
    assert post(http, EXAMPLES[0].read_bytes(), seed="41").status_code == 200


def test_health_answers_within_50_ms_while_the_service_is_saturated(cached: CachedService) -> None:
    http, _, _ = cached
    until_ready(http)
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(post, http, EXAMPLES[0].read_bytes(), formulas_per_length="1500", seed=str(seed))
            for seed in range(50, 54)
        ]
        seconds = []
        while not all(job.done() for job in jobs):
            started = time.monotonic()
            assert http.get("/health/ready").status_code == 200
            seconds.append(time.monotonic() - started)
    assert sorted(seconds)[len(seconds) // 2] < 0.05


def test_a_job_whose_client_leaves_is_cancelled_and_the_worker_kept(cached: CachedService) -> None:
    http, _, _ = cached
    until_ready(http)
    restarts = metric(http, "worker_restarts_total")
    with pytest.raises(httpx.ReadTimeout):
        http.post(
            "/classify",
            data=SLOW | {"seed": "61", "noise_draws": "2"},
            files={"checkpoint": ("x", EXAMPLES[0].read_bytes())},
            timeout=0.5,
        )
    started = time.monotonic()
    assert post(http, EXAMPLES[0].read_bytes(), seed="62").status_code == 200
    assert time.monotonic() - started < 10
    assert metric(http, "uploads_in_flight") == 0
    assert metric(http, "worker_restarts_total") == restarts


def test_a_job_over_the_deadline_is_stopped_and_its_slot_freed() -> None:
    settings = Settings(device="cpu", deadline_seconds=3, cache_bytes=0)
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        slow = post(http, EXAMPLES[0].read_bytes(), **SLOW)
        assert (slow.status_code, slow.json()["type"].rsplit(":", 1)[1]) == (422, "deadline-exceeded")
        assert post(http, EXAMPLES[0].read_bytes()).status_code == 200


def test_a_service_with_a_wrong_built_in_example_is_never_ready(tmp_path: Path) -> None:
    shutil.copytree(MODEL, tmp_path / "mine")
    (tmp_path / "examples").mkdir()
    # The non-generalizer under the generalizer's name.
    (tmp_path / "examples" / "generalizer.safetensors").write_bytes(EXAMPLES[1].read_bytes())
    settings = Settings(device="cpu", model=tmp_path / "mine", cache_bytes=0)
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        response = http.get("/health/ready")
        assert (response.status_code, response.json()["type"].rsplit(":", 1)[1]) == (503, "not-ready")
        assert "generalizer.safetensors came out as not_generalizer" in response.json()["detail"]


def test_a_service_whose_meta_classifier_is_damaged_says_so_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_bytes((MODEL / "card.json").read_bytes())
    (tmp_path / "sandwich.safetensors").write_bytes(b"cut short")
    settings = Settings(device="cpu", model=tmp_path, cache_bytes=0)
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        for response in (http.get("/health/ready"), post(http, EXAMPLES[0].read_bytes())):
            assert (response.status_code, response.json()["type"].rsplit(":", 1)[1]) == (503, "not-ready")
            assert "fetch both again" in response.json()["detail"]
            assert int(response.headers["retry-after"]) > 0


def test_sigterm_lets_the_running_job_end_and_takes_no_other() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from probe_sandwich.cli import app; app()", "serve", "--port", str(port)]
    environment = os.environ | {"PROBE_SANDWICH_CACHE_BYTES": "0", "PROBE_SANDWICH_DEVICE": "cpu"}
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http, ThreadPoolExecutor(1) as pool:
        until_ready(http)
        job = pool.submit(post, http, EXAMPLES[0].read_bytes(), formulas_per_length="2000")
        while metric(http, "uploads_in_flight") == 0:
            time.sleep(0.01)
        server.send_signal(signal.SIGTERM)
        assert job.result().status_code == 200
        server.wait(timeout=30)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/health/live")


def test_memory_over_the_limit_is_the_jobs_problem_alone(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    large = tiny_config(d_model=1024, layers=5, d_ff=4096)
    weights = {name: torch.zeros(shape, dtype=torch.float16) for name, shape in weight_shapes(large).items()}
    save_checkpoint(tmp_path / "large", large, weights)
    settings = Settings(device="cpu", worker_memory_bytes=200 * 2**20, cache_bytes=0)
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        files = [("checkpoints", ("large", (tmp_path / "large").read_bytes()))]
        answer = http.post("/classify/batch", data=SLOW, files=files)
        problems = {result["problem"]["type"].rsplit(":", 1)[1] for result in answer.json()["results"]}
        assert problems == {"out-of-memory"}
        assert post(http, EXAMPLES[0].read_bytes()).status_code == 200
