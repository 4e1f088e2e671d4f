"""Where a probe's content comes from: unlabelled inputs of the task, or bare symbols.

Noise selects among such candidates; nothing about them has a label, and none is longer than T.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from probe_sandwich.answer import ProbeContent
from probe_sandwich.sandwich.canonical_order import in_canonical_order
from probe_sandwich.sandwich.structure import structure
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.datasets import NoFormulas, sample_formulas
from probe_sandwich.tasks.splits import Split
from probe_sandwich.tasks.task import AnyTask, OwnTask

CANDIDATES = 256
_SEED = 20_261
FEATURES = ("length", "variety", "commonest", "repetition", "same ends", "longest run")
"""What of a candidate its selection may go by: nothing that depends on which symbol is which."""


@dataclass(frozen=True)
class Candidates:
    """Inputs that noise selects from: `symbols (candidates, length, symbols)`, one-hot and zero beyond each one's end,
    `lengths (candidates,)`, `features (candidates, features)` and `structure (candidates, STRUCTURE)`."""

    content: ProbeContent
    symbols: Tensor
    lengths: Tensor
    features: Tensor
    structure: Tensor

    @staticmethod
    def of(content: ProbeContent, ids: NDArray[np.uint8], lengths: NDArray[np.int64], symbols: int) -> "Candidates":
        """From padded ids `(candidates, length)`, the padding beyond the symbols."""
        width = int(lengths.max())
        hot = F.one_hot(torch.from_numpy(ids[:, :width].astype(np.int64)).clamp(max=symbols), symbols + 1)
        features = np.stack([_features(row[:length], width) for row, length in zip(ids, lengths.tolist(), strict=True)])
        return Candidates(
            content,
            hot[..., :symbols].float(),
            torch.from_numpy(lengths),
            torch.from_numpy(features).float(),
            torch.from_numpy(structure(ids[:, :width], lengths)).float(),
        )

    def text(self, index: int, alphabet: Sequence[str]) -> list[str]:
        """The symbols of one of them."""
        return [alphabet[symbol] for symbol in self.symbols[index, : self.lengths[index]].argmax(dim=-1).tolist()]

    def to(self, device: torch.device) -> "Candidates":
        """The same, moved to a device."""
        tensors = (self.symbols, self.lengths, self.features, self.structure)
        return Candidates(self.content, *(tensor.to(device) for tensor in tensors))


def drawn_candidates(task: AnyTask, train_max_length: int, seed: int = _SEED) -> Candidates:
    """Unlabelled inputs of a built-in task, from half of T on. Raises `NoSampler`, `NoFormulas`."""
    drawn = sample_formulas(task, train_max_length // 2 + 1, train_max_length, CANDIDATES, seed, Split.TRAINING)
    return Candidates.of(ProbeContent.DRAWN, drawn.ids, drawn.lengths, len(drawn.alphabet))


def bare_candidates(task: AnyTask, train_max_length: int, seed: int = _SEED) -> Candidates:
    """Random strings over a task's alphabet, from half of T on."""
    rng = np.random.default_rng(seed)
    symbols = len(alphabet_of(task))
    lengths = rng.integers(train_max_length // 2 + 1, train_max_length + 1, size=CANDIDATES)
    ids = rng.integers(symbols, size=(CANDIDATES, train_max_length))
    ids[np.arange(train_max_length) >= lengths[:, None]] = symbols
    return Candidates.of(ProbeContent.BARE, ids.astype(np.uint8), lengths, symbols)


def given_candidates(
    task: AnyTask, train_max_length: int, inputs: Sequence[tuple[str, ...]], seed: int = _SEED
) -> Candidates:
    """Unlabelled inputs that came beside a subject (`read_unlabelled`), each once, whatever their order: those from
    half of T on, as drawn ones are, or all where none is so long; of more than are needed, some at random."""
    alphabet = {symbol: number for number, symbol in enumerate(alphabet_of(task))}
    different = list(dict.fromkeys(inputs))
    different = in_canonical_order([one for one in different if len(one) > train_max_length // 2] or different)
    order = np.random.default_rng(seed).permutation(len(different))[:CANDIDATES]
    some = [different[number] for number in order.tolist()]
    lengths = np.array([len(one) for one in some], np.int64)
    ids = np.full((len(some), lengths.max()), len(alphabet), np.uint8)
    for row, one in enumerate(some):
        ids[row, : len(one)] = [alphabet[symbol] for symbol in one]
    return Candidates.of(ProbeContent.GIVEN, ids, lengths, len(alphabet))


def best_candidates(task: AnyTask, train_max_length: int) -> Candidates:
    """The best that there is where none are given: inputs drawn from a built-in task, else random strings, of a task
    of one's own and where T is too short for any balanced input."""
    if isinstance(task, OwnTask):
        return bare_candidates(task, train_max_length)
    try:
        return drawn_candidates(task, train_max_length)
    except NoFormulas:
        return bare_candidates(task, train_max_length)


def candidates_of(task: AnyTask, train_max_length: int) -> Candidates:
    """The same, made once for a built-in task and T: those are few, and one's own tasks as many as there are files."""
    if isinstance(task, OwnTask):
        return best_candidates(task, train_max_length)
    return candidates_of_built_in(task, train_max_length)


@lru_cache(maxsize=64)
def candidates_of_built_in(task: AnyTask, train_max_length: int) -> Candidates:
    """Those of a built-in task, kept. Raises `NoFormulas`."""
    # Whoever draws them first may be diagnosing; whoever has them next may be training.
    with torch.inference_mode(False):
        return best_candidates(task, train_max_length)


def _features(row: NDArray[np.uint8], width: int) -> NDArray[np.float64]:
    """`FEATURES` of one input, each from 0 to 1."""
    length = len(row)
    counts = np.unique(row, return_counts=True)[1]
    same = row[1:] == row[:-1]
    runs = np.diff(np.flatnonzero(np.concatenate([[True], ~same, [True]])))
    return np.array(
        [
            length / width,
            len(counts) / length,
            counts.max() / length,
            same.mean() if length > 1 else 0.0,
            float(row[0] == row[-1]),
            runs.max() / length,
        ]
    )
