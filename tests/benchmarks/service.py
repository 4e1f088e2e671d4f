"""The service's figures on this machine: time to ready, latency of POST /classify, peak memory, batches.

    python -m tests.benchmarks.service

The references of the ratios are the direct length test alone, and 200 checkpoints one by one, in the same run.
"""

import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx
import torch
from probe_sandwich.client import Client
from probe_sandwich.diagnosis import diagnose
from probe_sandwich.options import Options
from probe_sandwich.sandwich.meta_classifier import load_meta_classifier
from probe_sandwich.settings import SHIPPED_MODELS, Settings
from probe_sandwich.subjects.checkpoint import Checkpoint
from probe_sandwich.subjects.stacks import batches
from probe_sandwich.zoo.shards import read_index, read_weights

from tests.conftest import EXAMPLES

REQUESTS, BATCHED = 40, 200


def peak_mebibytes(pid: int) -> float:
    """Peak resident memory of a process and its children."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                status = dict(line.split(":", 1) for line in (entry / "status").read_text().splitlines())
                if pid in (int(entry.name), int(status["PPid"])):
                    total += int(status["VmHWM"].split()[0]) / 1024
        except (OSError, KeyError):
            continue
    return total


def service() -> None:
    """Start-up, latency and memory of a real service, without its cache."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "probe_sandwich.main:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    environment = os.environ | {"PROBE_SANDWICH_CACHE_BYTES": "0", "PROBE_SANDWICH_LOG_LEVEL": "warning"}
    server = subprocess.Popen([*command, "--no-access-log"], env=environment, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        with Client(url) as client:
            while True:
                try:
                    if httpx.get(f"{url}/health/ready").status_code == httpx.codes.OK:
                        break
                except httpx.TransportError:
                    pass
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
        overhead = [others - probing for others, probing in zip(rest, sandwich, strict=True)]
        print(f"cores                                   {os.cpu_count()}")
        print(f"start-up to ready (self-checked)        {ready:.2f} s")
        print(f"POST /classify, median                  {statistics.median(total):.3f} s")
        print(f"  direct length test                    {statistics.median(direct):.3f} s")
        print(f"  sandwich                              {statistics.median(sandwich):.3f} s")
        print(f"  everything but the length test        {statistics.median(rest):.3f} s")
        print(f"  everything but both                   {statistics.median(overhead):.3f} s")
        print(f"peak memory, service and worker         {peak_mebibytes(server.pid):.0f} MiB")
        print(f"ratio of the whole to the length test   {statistics.median(total) / statistics.median(direct):.2f}")
    finally:
        server.terminate()
        server.wait()


def batched() -> None:
    """The sandwich over 200 checkpoints, stacked by shape and scheme against one by one."""
    zoo = SHIPPED_MODELS / "zoo-conjunction"
    rows = [row for row in read_index(zoo) if row.converged][:BATCHED]
    weights = read_weights(zoo, rows)
    checkpoints = [Checkpoint(row.config, own, row.subject) for row, own in zip(rows, weights, strict=True)]
    device, options = torch.device("cpu"), Options(direct_test=False)
    meta = load_meta_classifier(Settings().model, device)
    seconds = {}
    for name, groups in (
        ("one by one (the reference)", [[number] for number in range(len(checkpoints))]),
        ("stacked", batches(checkpoints)),
    ):
        began = time.monotonic()
        for group in groups:
            diagnose([checkpoints[number] for number in group], meta, device, options)
        seconds[name] = time.monotonic() - began
        print(f"{len(checkpoints)} checkpoints, {name:28} {seconds[name]:.2f} s in {len(groups)} batches")
    alone, together = seconds.values()
    print(f"ratio                                   {alone / together:.2f}")


if __name__ == "__main__":
    service()
    batched()
