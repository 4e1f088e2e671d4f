"""One-thread worker processes on this machine."""

import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from types import FrameType
from typing import ParamSpec, TypeVar

import torch

from probe_sandwich.answer import Definition
from probe_sandwich.processes import follow_parent
from probe_sandwich.zoo.build import BuildFailed, Shard, build_stack
from probe_sandwich.zoo.recipe import Group

_ATTEMPTS = 3
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class LocalPool:
    """So many processes of this machine."""

    workers: int
    device: str = "cpu"

    def __call__(self, stacks: Sequence[Sequence[Group]], definition: Definition) -> Iterator[list[Shard]]:
        waiting = deque(range(len(stacks)))
        lost: Counter[int] = Counter()
        while waiting:
            running: dict[Future[list[Shard]], int] = {}
            try:
                with worker_pool(self.workers) as pool:
                    while waiting or running:
                        while waiting and len(running) < self.workers:
                            number = waiting.popleft()
                            running[pool.submit(build_stack, stacks[number], definition, self.device)] = number
                        for future in wait(running, return_when=FIRST_COMPLETED).done:
                            shards = future.result()
                            del running[future]
                            yield shards
            except BrokenProcessPool as error:
                # A worker died, and the pool with it; which stack it had, nobody can say.
                again = sorted(running.values())
                lost.update(again)
                if max(lost[number] for number in again) >= _ATTEMPTS:
                    raise BuildFailed(
                        f"a worker died {_ATTEMPTS} times over the same groups, for want of memory perhaps; "
                        "try fewer --workers"
                    ) from error
                waiting.extendleft(reversed(again))


class _Pool(ProcessPoolExecutor):
    """Starts its processes whole: one whose start Ctrl-C cuts short would end in a traceback of its own."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        with _interrupted_later():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Ctrl-C takes effect at the end. Only the main thread can say so, and only there does it take effect at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])


def start_worker() -> None:
    """What every process of a pool does first: one thread each, and no life of its own."""
    follow_parent()
    torch.set_num_threads(1)


@contextmanager
def worker_pool(workers: int, start: Callable[[], None] = start_worker) -> Iterator[ProcessPoolExecutor]:
    """Processes of one thread each. Whoever leaves by an exception, Ctrl-C among them, does not wait for their jobs.
    `start`: what each does first."""
    others = set(active_children())
    # CUDA cannot be used in a forked child, hence spawn.
    pool = _Pool(workers, get_context("spawn"), start)
    try:
        yield pool
    except BaseException:
        for process in set(active_children()) - others:
            process.kill()
        # Ctrl-C may have come before the pool's own thread began, and nobody can wait for that one.
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
