"""How a module is run, found by running it: which argument is the mask and which way round, whether the batch comes
first, and where the logits stand in what it returns.

A way to run it is right where an input has the same answer by itself and padded in a batch.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from probe_sandwich.subjects.foreign.errors import (
    BeyondItsTables,
    DependsOnItsBatch,
    NonFiniteAnswers,
    NotDeterministic,
    UncallableModel,
    UnusableModel,
    WrongLogits,
)
from probe_sandwich.subjects.foreign.reading import Reading
from probe_sandwich.subjects.foreign.untouched import device_of

Forward = Callable[[Tensor, Tensor], Any]
"""What a user may give: ids `(batch, length)` and a mask, True on symbols, to logits `(batch, classes)`; of two classes
also one logit each, `(batch,)` or `(batch, 1)`, that of class 1."""
PlacedRun = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""The same with places `(batch, length)`, None for the usual ones, to logits `(batch, classes)` in single precision."""
POSITION_ARGUMENTS = ("position_ids", "positions", "pos_ids")
_ROWS, _MANY_ROWS = 3, 64
_ALIKE, _ROUNDING = 1e-4, 8


def find_run(module: nn.Module, reading: Reading, forward: Forward | None = None) -> tuple[PlacedRun, bool]:
    """A way to run a module, and whether it heeds a mask or padding, in which case one call may hold inputs of several
    lengths. Raises `NotDeterministic`, `DependsOnItsBatch`, `BeyondItsTables`, `UncallableModel`, `WrongLogits`,
    `NonFiniteAnswers`."""
    failures: list[UnusableModel] = []
    plain: list[PlacedRun] = [_given(forward, reading)] if forward else list(_guessed(module, reading))
    ways = [(run, True) for run in plain] + [(by_length(run), False) for run in plain]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for run, heeds_mask in ways:
            try:
                if pads_alike(run, module, reading):
                    _check_batch_is_nothing(run, module, reading)
                    return run, heeds_mask
                failures.append(DependsOnItsBatch())
            except NotDeterministic:
                raise
            except UnusableModel as failure:
                failures.append(failure)
    if isinstance(failures[0], BeyondItsTables):  # the likeliest way: what less likely ones come to says nothing
        raise failures[0]
    # What is wrong with the answers says more than a call that is not taken.
    failures.sort(key=lambda failure: isinstance(failure, UncallableModel))
    failures.sort(key=lambda failure: not isinstance(failure, DependsOnItsBatch))
    raise failures[0]


def _check_batch_is_nothing(run: PlacedRun, module: nn.Module, reading: Reading) -> None:
    """Many inputs, as they will be asked, and half of them in another order. Raises `DependsOnItsBatch`."""
    ids = random_ids(reading, _MANY_ROWS, reading.train_max_length + reading.frame).to(device_of(module))
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(0))[::2].to(ids.device)
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.no_grad():
        if not alike(run(ids, mask, None)[order], run(ids[order], mask[order], None), precision_of(module)):
            raise DependsOnItsBatch


def alike(one: Tensor, other: Tensor, precision: torch.dtype) -> bool:
    """Whether logits `(batch, classes)` are the same, beside what they differ by from input to input, and rounding."""
    return bool((one - other).abs().amax() <= _tolerance(one, precision))


def precision_of(module: nn.Module) -> torch.dtype:
    """The floating-point type that a module computes in."""
    return next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)


def says_nothing(logits: Tensor, precision: torch.dtype) -> bool:
    """Whether logits `(batch, classes)` of different inputs are the same but for rounding."""
    return bool((logits - logits[:1]).abs().amax() <= _rounding(logits, precision))


def pads_alike(run: PlacedRun, module: nn.Module, reading: Reading) -> bool:
    """Whether inputs of several lengths have one answer in a batch and each by itself. Raises `UnusableModel`,
    `NotDeterministic` first."""
    length = reading.train_max_length + reading.frame
    lengths = [length, length - 1, max(2, length // 2)]
    ids = random_ids(reading, _ROWS, length).to(device_of(module))
    mask = torch.arange(length, device=ids.device) < torch.tensor(lengths, device=ids.device).unsqueeze(1)
    with torch.no_grad():
        together, again = (run(torch.where(mask, ids, reading.pad_id), mask, None) for _ in range(2))
        if not alike(together, again, precision_of(module)):
            raise NotDeterministic
        alone = [run(ids[n : n + 1, :most], mask[n : n + 1, :most], None) for n, most in enumerate(lengths)]
    return alike(together, torch.cat(alone), precision_of(module))


def random_ids(reading: Reading, count: int, length: int) -> Tensor:
    """The module's ids `(count, length)` of random strings over its task's alphabet."""
    random = torch.Generator().manual_seed(0)
    own = torch.tensor(reading.own_ids[:-2])
    return own[torch.randint(len(own), (count, length), generator=random)]


def by_length(run: PlacedRun) -> PlacedRun:
    """Inputs of one length at a time, so that there is no padding."""

    def grouped(ids: Tensor, mask: Tensor, places: Tensor | None) -> Tensor:
        lengths = mask.sum(dim=1)
        logits: dict[int, Tensor] = {}
        for length in lengths.unique().tolist():
            rows = (lengths == length).nonzero()[:, 0]
            own = None if places is None else places[rows, :length]
            answers = run(ids[rows, :length], mask[rows, :length], own)
            logits |= dict(zip(rows.tolist(), answers, strict=True))
        return torch.stack([logits[row] for row in range(len(ids))])

    return grouped


def _guessed(module: nn.Module, reading: Reading) -> Iterator[PlacedRun]:
    """Ways to run a module that the names of its arguments suggest, the likeliest first."""
    names = list(inspect.signature(module.forward).parameters)
    masks = [name for name in names[1:] if "mask" in name or "pad" in name]
    where = next((name for name in POSITION_ARGUMENTS if name in names), None)
    for batch_first in (True, False):
        for name in masks:
            for hides in (hidden := "pad" in name, not hidden):
                yield _called(module, reading, name, hides, where, batch_first)
        yield _called(module, reading, None, False, where, batch_first)


def _called(
    module: nn.Module, reading: Reading, mask_name: str | None, hides: bool, where: str | None, batch_first: bool
) -> PlacedRun:
    def run(ids: Tensor, mask: Tensor, places: Tensor | None) -> Tensor:
        arguments: dict[str, Tensor] = {}
        if mask_name is not None:
            seen = ~mask if hides else mask
            arguments[mask_name] = seen.long() if mask_name == "attention_mask" else seen
        if places is not None and where is not None:
            arguments[where] = places if batch_first else places.T
        return _logits(lambda: module(ids if batch_first else ids.T, **arguments), len(ids), reading.classes)

    return run


def _given(forward: Forward, reading: Reading) -> PlacedRun:
    return lambda ids, mask, places: _logits(lambda: forward(ids, mask), len(ids), reading.classes)


def _logits(call: Callable[[], Any], batch: int, classes: int) -> Tensor:
    """Logits `(batch, classes)` in single precision. Raises `UnusableModel`."""
    try:
        output = call()
    except (MemoryError, BeyondItsTables):
        raise
    except Exception as error:  # whatever a module makes of what it does not take
        raise UncallableModel(f"{type(error).__name__}: {str(error)[:200]}") from error
    output = getattr(output, "logits", output)
    if isinstance(output, Sequence) and output:
        output = output[0]
    if not isinstance(output, Tensor):
        raise WrongLogits(f"a {type(output).__name__}", batch, classes)
    logits = output.float()
    if logits.ndim == 3 and logits.shape[1] == 1:  # of the last symbol alone
        logits = logits[:, 0]
    if classes == 2 and logits.shape in ((batch,), (batch, 1)):
        logits = torch.stack([torch.zeros_like(logits.reshape(batch)), logits.reshape(batch)], dim=1)
    if logits.shape != (batch, classes):
        raise WrongLogits(f"a tensor of shape {tuple(output.shape)}", batch, classes)
    if not bool(logits.isfinite().all()):
        raise NonFiniteAnswers
    return logits


def _tolerance(logits: Tensor, precision: torch.dtype) -> float:
    spread = (logits - logits.mean(dim=0)).abs().amax()
    return max(_ALIKE * float(spread), _rounding(logits, precision))


def _rounding(logits: Tensor, precision: torch.dtype) -> float:
    return _ROUNDING * torch.finfo(precision).eps * float(logits.abs().amax())
