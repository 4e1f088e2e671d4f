"""An existing Ray cluster (or one on this machine): Ray Core tasks, retried where a worker or node dies.

Needs the extra `ray`, and this package installed on every node.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ray
import torch

from probe_sandwich.answer import Definition
from probe_sandwich.zoo.build import BuildFailed, Shard, build_stack
from probe_sandwich.zoo.recipe import Group

_ATTEMPTS = 3


@dataclass(frozen=True)
class RayCluster:
    """The cluster at `address` (None: a new one on this machine); `gpu_share` of a GPU, or one core, a stack."""

    address: str | None = None
    device: str = "cpu"
    gpu_share: float = 0.25

    def __call__(self, stacks: Sequence[Sequence[Group]], definition: Definition) -> Iterator[list[Shard]]:
        joined = not ray.is_initialized()
        if joined:
            ray.init(address=self.address, log_to_driver=False)
        resources = {"num_cpus": 1, "num_gpus": self.gpu_share if self.device == "cuda" else 0}
        # A worker that dies is a system error, which Ray retries; an exception in the code is ours and ends the build.
        remote = ray.remote(max_retries=_ATTEMPTS - 1, max_calls=0, **resources)(_build_on_one_thread)
        running = [remote.remote(stack, definition, self.device) for stack in stacks]
        try:
            while running:
                (done,), running = ray.wait(running, num_returns=1)
                yield ray.get(done)
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            raise BuildFailed(f"Ray lost the worker of the same groups {_ATTEMPTS} times; see its logs") from error
        finally:
            for task in running:
                ray.cancel(task, force=True)
            if joined:
                ray.shutdown()


def _build_on_one_thread(groups: Sequence[Group], definition: Definition, device: str) -> list[Shard]:
    torch.set_num_threads(1)
    return build_stack(groups, definition, device)
