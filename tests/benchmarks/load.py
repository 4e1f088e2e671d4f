"""Many clients at once: good and bad requests mixed and the worker killed meanwhile; the cache's worth; hostile ones.

    python -m tests.benchmarks.load [requests] [clients] [seconds]

Every request must get exactly one proper answer; good ones must equal the quiet run. Reported: throughput, p50 and p99
with and without the cache (the reference of the ratio is the service without one). Then honest clients alone, and the
same with a tenth of all clients hostile (see `tests.benchmarks.hostile`): the ratio of their p99 is to stay under 3. No
request is begun after so many seconds of a run (1,500 by default), of which there are four.
"""

import asyncio
import collections
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from probe_sandwich.settings import Settings

from tests.api.test_hostile import mutated, resident_mebibytes
from tests.api.test_worker import metric, until_ready
from tests.benchmarks import hostile
from tests.conftest import EXAMPLES, FAST, post, running

GOOD_SHARE, KILLS = 0.5, 3
PROPER = {200, 400, 413, 415, 422, 503}


class Load:
    """One run: what was asked, and what came back."""

    def __init__(self, url: str, requests: int, clients: int, seconds: float, expected: dict[int, float]) -> None:
        self.url = url
        self.until = time.monotonic() + seconds
        self.requests = requests
        self.clients = clients
        self.expected = expected
        self.statuses: collections.Counter[int] = collections.Counter()
        self.seconds: list[float] = []
        self.busy = self.wrong = 0

    async def run(self) -> None:
        """Send everything."""
        work = collections.deque(range(self.requests))
        async with httpx.AsyncClient(base_url=self.url, timeout=300) as http:
            await asyncio.gather(*(self._client(http, work) for _ in range(self.clients)))

    async def _client(self, http: httpx.AsyncClient, work: collections.deque[int]) -> None:
        while work and time.monotonic() < self.until:
            number = work.popleft()
            chance = random.Random(number)
            example = number % len(EXAMPLES)
            good = chance.random() < GOOD_SHARE
            content = EXAMPLES[example].read_bytes()
            files = {"checkpoint": ("one", content if good else mutated(content, chance)[: len(content) // 2])}
            while True:
                started = time.monotonic()
                response = await http.post("/classify", data=FAST, files=files)
                if response.status_code != 429:
                    break
                self.busy += 1
                await asyncio.sleep(chance.uniform(0.05, 0.3))
            self.seconds.append(time.monotonic() - started)
            self.statuses[response.status_code] += 1
            if good and response.status_code == 200:
                self.wrong += response.json()["generalizer_probability"] != self.expected[example]
            elif good and response.status_code != 503:
                self.wrong += 1


async def kill_workers(load: "asyncio.Task[None]", http: httpx.Client) -> int:
    """Kill the worker at three moments of the run."""
    killed = 0
    while not load.done() and killed < KILLS:
        await asyncio.sleep(8)
        workers = [process.pid for process in multiprocessing.active_children() if process.pid]
        if workers and not load.done():
            os.kill(workers[0], signal.SIGKILL)
            killed += 1
    await load
    return killed


def measure(name: str, settings: Settings, requests: int, clients: int, seconds: float, kills: bool) -> float:
    """One run against a service of its own; returns its throughput."""
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        until_ready(http)
        expected = {
            number: post(http, path.read_bytes()).json()["generalizer_probability"]
            for number, path in enumerate(EXAMPLES)
        }
        load = Load(url, requests, clients, seconds, expected)

        async def both() -> int:
            task = asyncio.create_task(load.run())
            if not kills:
                await task
                return 0
            return await kill_workers(task, http)

        started = time.monotonic()
        killed = asyncio.run(both())
        took = time.monotonic() - started
        until_ready(http)
        done = sum(load.statuses.values())
        assert set(load.statuses) <= PROPER, load.statuses
        cuts = statistics.quantiles(load.seconds, n=100)
        print(f"{name}: {done} of {requests} requests of {clients} clients in {took:.0f} s, {done / took:.1f} a second")
        print(
            f"  p50 {cuts[49]:.3f} s, p99 {cuts[98]:.3f} s; statuses {dict(load.statuses)}; 429 and again: {load.busy}"
        )
        print(f"  workers killed {killed}, replaced {metric(http, 'worker_restarts_total'):.0f}; wrong {load.wrong}")
        (worker,) = [process.pid for process in multiprocessing.active_children() if process.pid]
        print(f"  worker memory at the end {resident_mebibytes(worker):.0f} MiB")
        return done / took


def main(requests: int, clients: int, seconds: float = hostile.LONGEST_SECONDS) -> None:
    """Print the figures."""
    common = {"device": "cpu", "queue_size": clients, "client_share": 1.0, "log_level": "warning"}
    with tempfile.TemporaryDirectory() as folder:
        uncached = Settings(**common, cache_bytes=0)
        plain = measure("without cache, killed", uncached, requests, clients, seconds, kills=True)
        cached = Settings(**common, cache_dir=Path(folder) / "cache")
        quick = measure("with cache", cached, requests, clients, seconds, kills=False)
    print(f"ratio of throughputs: {quick / plain:.1f}")
    hostile.main(requests, clients, seconds)


if __name__ == "__main__":
    main(*hostile.numbers(sys.argv[1:]))
