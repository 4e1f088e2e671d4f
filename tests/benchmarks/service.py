"""The service's figures on this machine: time to ready, latency of POST /classify, peak memory.

    python -m tests.benchmarks.service

The reference of the ratio is the direct length test alone, in the same run.
"""

import os
import socket
import statistics
import subprocess
import sys
import time

import httpx

from app.client import Client
from app.diagnosis import Options
from tests.conftest import EXAMPLES

REQUESTS = 30


def peak_mebibytes(pid: int) -> float:
    """Peak resident memory of a process."""
    with open(f"/proc/{pid}/status") as status:
        (line,) = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
started = time.monotonic()
server = subprocess.Popen(
    [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port), "--log-level", "warning"]
)
try:
    with Client(f"http://127.0.0.1:{port}") as client:
        while True:
            try:
                client.health()
                break
            except httpx.TransportError:
                time.sleep(0.02)
        ready = time.monotonic() - started
        client.classify(EXAMPLES[0])
        total, sandwich, direct = [], [], []
        for number in range(REQUESTS):
            began = time.monotonic()
            answer = client.classify(EXAMPLES[number % len(EXAMPLES)], Options())
            total.append(time.monotonic() - began)
            sandwich.append(answer.timings_seconds.sandwich)
            direct.append(answer.timings_seconds.direct_test)
    rest = [whole - test for whole, test in zip(total, direct, strict=True)]
    print(f"cores                               {os.cpu_count()}")
    print(f"start-up to ready                   {ready:.2f} s")
    print(f"POST /classify, median              {statistics.median(total):.3f} s")
    print(f"  direct length test                {statistics.median(direct):.3f} s")
    print(f"  sandwich                          {statistics.median(sandwich):.3f} s")
    print(f"  everything but the length test    {statistics.median(rest):.3f} s")
    print(f"peak memory                         {peak_mebibytes(server.pid):.0f} MiB")
    print(f"ratio of the whole to the length test alone: {statistics.median(total) / statistics.median(direct):.2f}")
finally:
    server.terminate()
    server.wait()
