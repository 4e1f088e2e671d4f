"""An order of inputs that hangs neither on the order in which they came nor on what their symbols are called.

Which of them noise selects, and what stands where an edit draws, goes by their places in a list: two lists of the same
inputs are to get the same questions.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

Input = tuple[str, ...]


def in_canonical_order(inputs: Sequence[Input]) -> list[Input]:
    """Different inputs by length, by the pattern in which their symbols return, then by where else their symbols
    stand. Only inputs that a renaming of all of them could exchange stay in the order in which they came."""
    patterns = [_pattern(one) for one in inputs]
    rank = {pattern: number for number, pattern in enumerate(sorted(set(patterns), key=lambda one: (len(one), one)))}
    symbols = _by_use(inputs, [rank[pattern] for pattern in patterns])
    keys = [(rank[pattern], [symbols[symbol] for symbol in one]) for one, pattern in zip(inputs, patterns, strict=True)]
    return [inputs[number] for number in sorted(range(len(inputs)), key=keys.__getitem__)]


def _pattern(one: Input) -> tuple[int, ...]:
    """Each symbol as its number among those of the input, in the order of their first occurrence."""
    first: dict[str, int] = {}
    return tuple(first.setdefault(symbol, len(first)) for symbol in one)


def _by_use(inputs: Sequence[Input], ranks: Sequence[int]) -> dict[str, int]:
    """The symbols, numbered by all the places at which they stand, in inputs of which patterns."""
    longest = max(map(len, inputs))
    uses: dict[str, list[int]] = defaultdict(list)
    for one, rank in zip(inputs, ranks, strict=True):
        for place, symbol in enumerate(one):
            uses[symbol].append(rank * longest + place)
    signatures = {symbol: np.sort(np.array(places)).tobytes() for symbol, places in uses.items()}
    number = {signature: place for place, signature in enumerate(sorted(set(signatures.values())))}
    return {symbol: number[signature] for symbol, signature in signatures.items()}
