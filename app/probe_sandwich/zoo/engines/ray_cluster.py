"""A Ray cluster (extra `ray`): a stack is a job of one core, or of a part of a GPU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from probe_sandwich.answer import Definition
from probe_sandwich.cluster import Cluster, WorkersLost
from probe_sandwich.zoo.build import BuildFailed, Shard, build_stack
from probe_sandwich.zoo.recipe import Group


@dataclass(frozen=True)
class RayCluster:
    """Trains on a cluster."""

    cluster: Cluster

    def __call__(self, stacks: Sequence[Sequence[Group]], definition: Definition) -> Iterator[list[Shard]]:
        try:
            yield from self.cluster.results(_build_on_one_thread, stacks, definition, self.cluster.device)
        except WorkersLost as error:
            raise BuildFailed(str(error)) from error


def _build_on_one_thread(groups: Sequence[Group], definition: Definition, device: str) -> list[Shard]:
    torch.set_num_threads(1)
    return build_stack(groups, definition, device)
