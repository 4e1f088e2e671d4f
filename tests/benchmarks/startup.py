"""What starting costs: the command line's help, and the service's own process beside its workers.

    python -m tests.benchmarks.startup TREE...

Each tree is a checkout, for example one of `git worktree add ../before COMMIT`. They take turns, and of several rounds
the median is printed: CPU seconds of `--help`, and of `serve` until `/health/live` is answered, workers not counted;
seconds until then; and resident megabytes of that process, right then and after one answer.
"""

import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROUNDS = 5
COLUMNS = ("help CPU s", "serve CPU s", "live after s", "resident MB", "after an answer MB", "torch loaded")
Row = tuple[float, float, float, float, float, bool]


def environment(tree: Path) -> dict[str, str]:
    """Where the package of a tree is the one that is imported."""
    return os.environ | {"PYTHONPATH": f"{tree / 'app'}", "PROBE_SANDWICH_CACHE_BYTES": "0"}


def cpu_seconds(process: int) -> float:
    """User and system time of a process, its children not counted."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(process: int) -> float:
    """Resident memory of a process, its children not counted."""
    (line,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def help_cpu_seconds(tree: Path) -> float:
    """CPU seconds of `probe-sandwich --help`."""
    before = os.times()
    command = [sys.executable, "-m", "probe_sandwich.cli", "--help"]
    subprocess.run(command, env=environment(tree), stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def measured(tree: Path) -> Row:
    """One start of a tree's service."""
    help_cpu = help_cpu_seconds(tree)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    command = [sys.executable, "-m", "probe_sandwich.cli", "serve", "--port", str(port)]
    service = subprocess.Popen(command, env=environment(tree), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            while not answered(client):
                assert service.poll() is None, "the service did not start"
                time.sleep(0.02)
            live_after, serve_cpu = time.perf_counter() - started, cpu_seconds(service.pid)
            resident = resident_megabytes(service.pid)
            example = tree / "models" / "examples" / "generalizer.safetensors"
            client.post("/classify", files={"checkpoint": example.read_bytes()}).raise_for_status()
            torch_loaded = "libtorch" in Path(f"/proc/{service.pid}/maps").read_text()
            return help_cpu, serve_cpu, live_after, resident, resident_megabytes(service.pid), torch_loaded
    finally:
        service.terminate()
        service.wait()


def answered(client: httpx.Client) -> bool:
    """Whether the service says that it lives."""
    try:
        return client.get("/health/live").is_success
    except httpx.TransportError:
        return False


def main() -> None:
    trees = [Path(argument).resolve() for argument in sys.argv[1:]]
    rows: dict[Path, list[Row]] = {tree: [] for tree in trees}
    for _ in range(ROUNDS):
        for tree in trees:
            rows[tree].append(measured(tree))
    print(*COLUMNS, "tree", sep=" | ")
    for tree in trees:
        figures = [statistics.median(column) for column in zip(*rows[tree], strict=True)]
        seconds, megabytes = (f"{figure:.2f}" for figure in figures[:3]), (f"{figure:.0f}" for figure in figures[3:5])
        print(*seconds, *megabytes, all(row[5] for row in rows[tree]), tree, sep=" | ")


if __name__ == "__main__":
    main()
