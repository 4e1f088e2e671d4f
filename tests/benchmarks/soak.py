"""Twenty minutes of steady traffic, good and hostile: does memory stay?

python -m tests.benchmarks.soak [minutes]
"""

import collections
import multiprocessing
import os
import random
import sys
import time

import httpx
from probe_sandwich.settings import Settings

from tests.api.test_hostile import CORPUS, mutated, resident_mebibytes
from tests.api.test_worker import metric, until_ready
from tests.benchmarks.hostile import START_SECONDS
from tests.conftest import EXAMPLES, post, running

REQUESTS_A_SECOND = 2.0


def main(minutes: float) -> None:
    """Print memory once a minute, and the ratio of the last to that after the first minute (the reference)."""
    chance = random.Random(2)
    attacks = [make() for name, (_, make) in CORPUS.items() if "77 MB" not in name]
    statuses: collections.Counter[int] = collections.Counter()
    marks: list[tuple[float, float]] = []
    settings = Settings(device="cpu", cache_bytes=0, log_level="warning")
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        until_ready(http, START_SECONDS)
        (worker,) = [process.pid for process in multiprocessing.active_children()]
        assert worker is not None
        started = time.monotonic()
        while (passed := time.monotonic() - started) < minutes * 60:
            if passed >= 60 * (len(marks) + 1):
                marks.append((resident_mebibytes(os.getpid()), resident_mebibytes(worker)))
                print(
                    f"minute {len(marks):3}: service {marks[-1][0]:.0f} MiB, worker {marks[-1][1]:.0f} MiB", flush=True
                )
            good = EXAMPLES[chance.randrange(len(EXAMPLES))].read_bytes()
            content = chance.choice([good, good, mutated(good, chance), chance.choice(attacks)])
            statuses[post(http, content, formulas_per_length="100").status_code] += 1
            time.sleep(max(0.0, 1 / REQUESTS_A_SECOND - (time.monotonic() - started - passed)))
        marks.append((resident_mebibytes(os.getpid()), resident_mebibytes(worker)))
        print(f"{sum(statuses.values())} requests; statuses {dict(sorted(statuses.items()))}")
        print(f"workers lost {metric(http, 'worker_restarts_total'):.0f}")
        first, last = marks[0], marks[-1]
        print(f"ratio of memory: service {last[0] / first[0]:.3f}, worker {last[1] / first[1]:.3f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
