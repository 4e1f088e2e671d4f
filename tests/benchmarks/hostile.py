"""What hostile clients cost honest ones.

    python -m tests.benchmarks.hostile [requests] [clients] [seconds]

A service of its own process answers the honest clients alone, then as many requests of as many honest clients while
others (a tenth of all, at least three) send files that are made to end a worker, open connections that send only
headers or read no answer, or ask for the largest allowed options, in a loop. Each client has an address of its own, as
a trusted proxy would tell it. Everything stays on 127.0.0.1. No request is begun after so many seconds of a run (1,500
by default).
"""

import asyncio
import collections
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.api.raw import head
from tests.api.test_hostile import resident_mebibytes, safetensors
from tests.api.test_worker import SLOW, metric, until_ready
from tests.conftest import EXAMPLES, FAST, post

LONGEST_SECONDS, START_SECONDS, SILENT_CONNECTIONS = 1500, 300, 16
KILLERS = (
    safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,%s]}}' % (b"4" * 5000), bytes(4)),
    safetensors(b'{"a":{"dtype":"\\ud800","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
)


@dataclass
class Run:
    """What honest clients saw, and what the service held at most."""

    until: float
    """No request is begun after it."""
    seconds: list[float] = field(default_factory=list)
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    hostile: collections.Counter[int] = field(default_factory=collections.Counter)
    busy: int = 0
    wrong: int = 0
    unanswered: int = 0
    service_mebibytes: float = 0.0
    worker_mebibytes: float = 0.0

    def quantile(self, percent: int) -> float:
        """Seconds within which so many requests were answered."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1]


@contextlib.contextmanager
def serving(clients: int) -> Iterator[tuple[str, int]]:
    """A service as `probe-sandwich serve` starts it: its URL and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    knobs = {
        "DEVICE": "cpu",
        "CACHE_BYTES": "0",
        "LOG_LEVEL": "error",
        "QUEUE_SIZE": str(clients),
        "CLIENT_SHARE": "0.1",
    }
    environment = os.environ | {f"PROBE_SANDWICH_{name}": value for name, value in knobs.items()}
    command = [sys.executable, "-c", "from probe_sandwich.cli import app; app()", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=60) as http:
            until_ready(http, START_SECONDS)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(timeout=60)


async def honest(
    run: Run, http: httpx.AsyncClient, work: collections.deque[int], address: str, expected: float
) -> None:
    """Send good files, one after the other, while there is work and time; wait and try again where told to."""
    files = {"checkpoint": ("one", EXAMPLES[0].read_bytes())}
    while work and time.monotonic() < run.until:
        work.popleft()
        started = time.monotonic()
        try:
            while True:
                response = await http.post("/classify", data=FAST, files=files, headers={"x-forwarded-for": address})
                if response.status_code not in (429, 503):
                    break
                run.busy += 1
                await asyncio.sleep(float(response.headers["retry-after"]))
        except httpx.HTTPError:
            run.unanswered += 1
            continue
        run.seconds.append(time.monotonic() - started)
        run.statuses[response.status_code] += 1
        run.wrong += response.status_code != 200 or response.json()["generalizer_probability"] != expected


async def killer(run: Run, http: httpx.AsyncClient, address: str) -> None:
    """Send files that end a worker which believes them."""
    while True:
        for content in KILLERS:
            files = {"checkpoint": ("bad", content)}
            with contextlib.suppress(httpx.HTTPError):
                response = await http.post("/classify", data=FAST, files=files, headers={"x-forwarded-for": address})
                run.hostile[response.status_code] += 1
            await asyncio.sleep(0.05)


async def silent(run: Run, http: httpx.AsyncClient, address: str) -> None:
    """Open connections that declare a body and never send it, or ask for a large file and never read it."""
    heads = (head(1000, client=address), head(0, "/docs/swagger-ui-bundle.js", "GET", client=address))
    while True:
        writers = []
        for number in range(SILENT_CONNECTIONS):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
                writer.write(heads[number % 2])
                writers.append(writer)
        await asyncio.sleep(10)
        for writer in writers:
            writer.close()


async def greedy(run: Run, http: httpx.AsyncClient, address: str) -> None:
    """Ask for the largest options, four at a time."""

    async def ask(seed: int) -> None:
        files = {"checkpoint": ("large", EXAMPLES[-1].read_bytes())}
        with contextlib.suppress(httpx.HTTPError):
            response = await http.post(
                "/classify", data=SLOW | {"seed": str(seed)}, files=files, headers={"x-forwarded-for": address}
            )
            run.hostile[response.status_code] += 1
        await asyncio.sleep(0.05)

    seed = 0
    while True:
        seed += 4
        await asyncio.gather(*(ask(seed + number) for number in range(4)))


async def watch(run: Run, service: int) -> None:
    """Keep the largest resident memory."""
    while True:
        children = Path(f"/proc/{service}/task/{service}/children").read_text().split()
        with contextlib.suppress(OSError, ValueError):
            run.service_mebibytes = max(run.service_mebibytes, resident_mebibytes(service))
            for child in children:
                run.worker_mebibytes = max(run.worker_mebibytes, resident_mebibytes(int(child)))
        await asyncio.sleep(0.2)


async def attend(run: Run, url: str, service: int, requests: int, numbers: tuple[int, int], expected: float) -> None:
    """Let so many honest and hostile clients loose; the hostile ones stop with the last honest request."""
    kinds = (killer, silent, greedy)
    work = collections.deque(range(requests))
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits) as http:
        others = [asyncio.create_task(watch(run, service))]
        others += [
            asyncio.create_task(kinds[number % len(kinds)](run, http, f"10.1.0.{number + 1}"))
            for number in range(numbers[1])
        ]
        await asyncio.gather(*(honest(run, http, work, f"10.0.0.{n + 1}", expected) for n in range(numbers[0])))
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def measure(name: str, requests: int, good: int, bad: int, seconds: float) -> Run:
    """One run against a service of its own."""
    with serving(good + bad) as (url, service), httpx.Client(base_url=url, timeout=60) as http:
        expected = post(http, EXAMPLES[0].read_bytes()).json()["generalizer_probability"]
        started = time.monotonic()
        run = Run(until=started + seconds)
        asyncio.run(attend(run, url, service, requests, (good, bad), expected))
        took = time.monotonic() - started
        done = f"{len(run.seconds) + run.unanswered} of {requests} requests"
        print(f"{name}: {done} of {good} honest clients in {took:.0f} s beside {bad} hostile ones")
        print(f"  honest p50 {run.quantile(50):.3f} s, p99 {run.quantile(99):.3f} s; statuses {dict(run.statuses)}")
        print(f"  unanswered {run.unanswered}, wrong {run.wrong}, told to wait {run.busy}; hostile {dict(run.hostile)}")
        print(f"  workers replaced {metric(http, 'worker_restarts_total'):.0f}")
        print(f"  most resident: service {run.service_mebibytes:.0f} MiB, worker {run.worker_mebibytes:.0f} MiB")
    return run


def numbers(arguments: list[str]) -> list[int]:
    """Requests, clients and, where they are given, seconds."""
    return [int(argument) for argument in [*arguments, *("2000", "32")[len(arguments) :]]]


def main(requests: int, clients: int, seconds: float = LONGEST_SECONDS) -> None:
    """Print the figures."""
    bad = max(3, clients // 10)
    quiet = measure("honest alone", requests, clients - bad, 0, seconds)
    loud = measure("with hostile", requests, clients - bad, bad, seconds)
    for percent in (50, 99):
        print(f"ratio of honest p{percent}: {loud.quantile(percent) / quiet.quantile(percent):.2f}")


if __name__ == "__main__":
    main(*numbers(sys.argv[1:]))
