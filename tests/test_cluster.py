"""Work spread over a Ray cluster, by a Ray that runs in this process. A real one: tests/batch, tests/zoo/engines."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class _Ray(ModuleType):
    """Runs what it is given when it is waited for, the last first, and keeps account."""

    def __init__(self, initialized: bool) -> None:
        super().__init__("ray")
        self.initialized = initialized
        self.said: list[object] = []
        self.exceptions = SimpleNamespace(WorkerCrashedError=OSError, OutOfMemoryError=MemoryError)

    def is_initialized(self) -> bool:
        return self.initialized

    def init(self, address: str | None, log_to_driver: bool) -> None:
        self.said.append(("init", address))

    def remote(self, **resources: object) -> Callable[[Callable[..., Any]], Any]:
        self.said.append((resources["num_cpus"], resources["num_gpus"]))
        return lambda function: SimpleNamespace(remote=lambda *arguments: lambda: function(*arguments))

    def wait(self, running: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        return running[-num_returns:], running[:-num_returns]

    def get(self, task: Callable[[], Any]) -> Any:
        return task()

    def cancel(self, task: Callable[[], Any], force: bool) -> None:
        self.said.append("cancelled")

    def shutdown(self) -> None:
        self.said.append("shutdown")


Start = Callable[..., tuple[_Ray, ModuleType]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """That Ray, and the module which uses it."""
    name = "probe_sandwich.cluster"

    def started(initialized: bool = False) -> tuple[_Ray, ModuleType]:
        ray = _Ray(initialized)
        monkeypatch.setitem(sys.modules, "ray", ray)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return ray, importlib.import_module(name)

    yield started
    sys.modules.pop(name, None)


def test_each_result_comes_as_its_job_is_done(start: Start) -> None:
    ray, module = start()
    cluster = module.Cluster("ray://there:10001")
    assert list(cluster.results(lambda job, power: job**power, [1, 2, 3], 2)) == [9, 4, 1]
    assert ray.said == [("init", "ray://there:10001"), (1, 0), "shutdown"]


def test_a_job_on_a_gpu_asks_for_its_share(start: Start) -> None:
    ray, module = start(initialized=True)
    list(module.Cluster(device="cuda", gpu_share=0.5).results(abs, [-1]))
    assert ray.said == [(1, 0.5)], "a cluster that somebody else joined is not left"


def test_whoever_stops_listening_cancels_the_rest(start: Start) -> None:
    ray, module = start()
    results = module.Cluster().results(abs, [-1, -2, -3])
    assert next(results) == 3
    results.close()
    assert ray.said[2:] == ["cancelled", "cancelled", "shutdown"]


def test_workers_that_die_again_and_again_are_told_from_an_error_of_the_work(start: Start) -> None:
    def fail(error: type[Exception]) -> None:
        raise error("failed")

    _, module = start()
    with pytest.raises(module.WorkersLost, match="lost the worker of the same job 3 times"):
        list(module.Cluster().results(fail, [OSError]))
    with pytest.raises(ZeroDivisionError):
        list(module.Cluster().results(fail, [ZeroDivisionError]))
