"""Which subjects can run as one stack, within its bytes."""

from collections.abc import Sequence
from typing import Any

from probe_sandwich.subjects.batching import BATCH_BYTES
from probe_sandwich.subjects.checkpoint import Checkpoint
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.subjects.foreign.checkpoint import ForeignCheckpoint
from probe_sandwich.subjects.transformer import parameter_count

AnyCheckpoint = Checkpoint | ForeignCheckpoint
_STACK_BYTES = 256 * 2**20


def batches(checkpoints: Sequence[AnyCheckpoint]) -> list[list[int]]:
    """Positions of checkpoints that can be diagnosed together."""
    return stacks([checkpoint.config if isinstance(checkpoint, Checkpoint) else None for checkpoint in checkpoints])


def stacks(configs: Sequence[SubjectConfig | None]) -> list[list[int]]:
    """The same from configs alone, None for a foreign model, which runs by itself."""
    together: dict[tuple[Any, ...], list[int]] = {}
    for number, config in enumerate(configs):
        key: tuple[Any, ...] = (number,)
        if config is not None:
            # A stack of several position schemes computes each of them for every subject.
            key = (config.shape, config.scheme, config.task, config.train_max_length, config.longest_formula)
        together.setdefault(key, []).append(number)
    cut: list[list[int]] = []
    for numbers in together.values():
        config = configs[numbers[0]]
        most = 1 if config is None else _stack_rows(config)
        cut += [numbers[start : start + most] for start in range(0, len(numbers), most)]
    return cut


def _stack_rows(config: SubjectConfig) -> int:
    """How many subjects of a config a stack holds: by weights, and so that some rows of each still run at once."""
    by_weights = _STACK_BYTES // (4 * parameter_count(config))
    by_rows = BATCH_BYTES["cpu"] // (8 * config.size.row_bytes(1 + 4 * config.train_max_length))
    return max(1, min(by_weights, by_rows))
