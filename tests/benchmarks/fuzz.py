"""Mutated checkpoints against the real service, for as long as it takes: no 5xx, no lost worker, no lost memory.

python -m tests.benchmarks.fuzz [files] [seconds]

No file is sent after so many seconds (3,000 by default).
"""

import collections
import multiprocessing
import random
import sys
import time

import httpx
from probe_sandwich.settings import Settings

from tests.api.test_hostile import mutated, resident_mebibytes
from tests.api.test_worker import metric, until_ready
from tests.conftest import EXAMPLES, post, running


def main(files: int = 20_000, longest: int = 3000) -> None:
    """Print statuses and memory."""
    chance = random.Random(1)
    good = EXAMPLES[0].read_bytes()
    statuses: collections.Counter[int] = collections.Counter()
    with (
        running(Settings(device="cpu", cache_bytes=0, log_level="warning")) as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        until_ready(http)
        (worker,) = [process.pid for process in multiprocessing.active_children()]
        assert worker is not None
        for _ in range(200):
            post(http, mutated(good, chance), formulas_per_length="10")
        before, started = resident_mebibytes(worker), time.monotonic()
        while statuses.total() < files and time.monotonic() - started < longest:
            statuses[post(http, mutated(good, chance), formulas_per_length="10").status_code] += 1
        seconds = time.monotonic() - started
        after = resident_mebibytes(worker)
        print(
            f"{statuses.total()} of {files} mutated files in {seconds:.0f} s; statuses {dict(sorted(statuses.items()))}"
        )
        print(f"worker memory before {before:.0f} MiB, after {after:.0f} MiB, ratio {after / before:.3f}")
        print(f"workers lost: {metric(http, 'worker_restarts_total'):.0f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
