"""Work spread over a Ray cluster: an existing one, or one on this machine.

Needs the extra `ray`, and this package installed on every node.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import ray

Job = TypeVar("Job")
Result = TypeVar("Result")
_ATTEMPTS = 3


class WorkersLost(RuntimeError):
    """The workers of one job died as often as it was tried."""

    def __init__(self) -> None:
        super().__init__(f"Ray lost the worker of the same job {_ATTEMPTS} times; see its logs")


@dataclass(frozen=True)
class Cluster:
    """The cluster at `address` (None: a new one on this machine); `gpu_share` of a GPU, or one core, a job."""

    address: str | None = None
    device: str = "cpu"
    gpu_share: float = 0.25

    def results(self, function: Callable[..., Result], jobs: Sequence[Job], *same: object) -> Iterator[Result]:
        """Of a function of this package for every job, and for what is the same for all of them, as each is done. A job
        whose worker or node dies is done again. Raises `WorkersLost`, and what the function raises."""
        joined = not ray.is_initialized()
        if joined:
            ray.init(address=self.address, log_to_driver=False)
        resources = {"num_cpus": 1, "num_gpus": self.gpu_share if self.device == "cuda" else 0}
        # A worker that dies is a system error, which Ray retries; an exception in the code is ours and ends the work.
        remote = ray.remote(max_retries=_ATTEMPTS - 1, max_calls=0, **resources)(function)
        running = [remote.remote(job, *same) for job in jobs]
        try:
            while running:
                (done,), running = ray.wait(running, num_returns=1)
                yield ray.get(done)
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            raise WorkersLost from error
        finally:
            for task in running:
                ray.cancel(task, force=True)
            if joined:
                ray.shutdown()
