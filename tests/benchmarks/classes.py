"""What P tells of tasks of more than two classes, of which no zoo holds any: AUC within a task, on models trained here.

    python -m tests.benchmarks.classes [SEEDS]

Plain PyTorch encoders learn three tasks of three classes, with and without offsets of their positions; each that has
converged is asked by `classify` with unlabelled inputs of its task, and judged on labelled ones. The reference is
in-distribution accuracy. Some minutes on two cores.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from probe_sandwich import Options, Reading, classify
from probe_sandwich.evidence.figures.auc import auc
from torch import Tensor, nn

VOCABULARY, T = ("#", "a", "b", "c", "x"), 12
OFFSETS, STEPS, BATCH = (0, T), 1200, 96
SHORT, LABELLED = 400, 500
Sample = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Ids `(inputs, length)` and classes `(inputs,)`."""


def commonest(random: np.random.Generator, count: int, length: int) -> Sample:
    """Which of a, b and c stands most often; of ties there are none."""
    ids = random.integers(1, 4, size=(6 * count, length))
    often = np.stack([(ids == symbol).sum(axis=1) for symbol in (1, 2, 3)], axis=1)
    ordered = np.sort(often, axis=1)
    clear = ordered[:, 2] > ordered[:, 1]
    return ids[clear][:count], often[clear][:count].argmax(axis=1)


def after_the_mark(random: np.random.Generator, count: int, length: int) -> Sample:
    """The symbol behind the only x."""
    ids, at = random.integers(1, 4, size=(count, length)), random.integers(length - 1, size=count)
    ids[np.arange(count), at] = 4
    return ids, ids[np.arange(count), at + 1] - 1


def ends(random: np.random.Generator, count: int, length: int) -> Sample:
    """Whether the last symbol is the first one, a later letter, or an earlier one."""
    ids = random.integers(1, 4, size=(count, length))
    return ids, np.sign(ids[:, 0] - ids[:, -1]) % 3


TASKS: dict[str, Callable[[np.random.Generator, int, int], Sample]] = {
    "commonest": commonest,
    "after the mark": after_the_mark,
    "ends": ends,
}


class Encoder(nn.Module):
    """PyTorch's encoder with a table of positions, in training shifted by at most `offset` at random."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset
        self.symbols, self.places = nn.Embedding(len(VOCABULARY), 32), nn.Embedding(4 * T + 1 + T, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 3)

    def forward(self, ids: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        places = torch.arange(ids.shape[1]).expand(len(ids), -1)
        if self.training and self.offset:
            places = places + torch.randint(self.offset + 1, (len(ids), 1))
        x = self.encoder(self.symbols(ids) + self.places(places), src_key_padding_mask=padding_mask)
        if padding_mask is not None:
            x = x.masked_fill(padding_mask.unsqueeze(-1), -1e4)
        return self.head(x.amax(dim=1))


def trained(task: str, offset: int, seed: int) -> Encoder:
    """A model that has seen lengths of 4 to T."""
    torch.manual_seed(seed)
    random, model = np.random.default_rng(seed), Encoder(offset)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(STEPS):
        ids, classes = TASKS[task](random, BATCH, int(random.integers(4, T + 1)))
        loss = nn.functional.cross_entropy(model(torch.from_numpy(ids)), torch.from_numpy(classes))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - step / STEPS)
    return model.eval()


def texts(ids: NDArray[np.int64]) -> list[str]:
    """As inputs are given."""
    return ["".join(VOCABULARY[symbol] for symbol in row) for row in ids]


def judged(case: tuple[str, int, int]) -> tuple[str, float, float, float, str]:
    """Task, P, accuracy on (0, T] and on (T, 2T], and the verdict of one trained model."""
    torch.set_num_threads(1)
    task, _, seed = case
    random = np.random.default_rng(10_000 + seed)
    inputs = [text for length in range(T // 2 + 1, T + 1) for text in texts(TASKS[task](random, SHORT // 6, length)[0])]
    labelled = []
    for length in range(4, 2 * T + 1):
        ids, classes = TASKS[task](random, LABELLED // (9 if length <= T else 12), length)
        labelled += list(zip(texts(ids), classes.tolist(), strict=True))
    reading = Reading(vocabulary=VOCABULARY, train_max_length=T, pad="#", classes=3)
    found = classify(trained(*case), reading, inputs=inputs, labelled=labelled, options=Options())
    probability = found.withheld_probability if found.generalizer_probability is None else found.generalizer_probability
    test = found.direct_test
    assert test is not None
    assert test.long_accuracy is not None
    missing = float("nan")
    told = missing if probability is None else probability
    return task, told, test.in_distribution_accuracy, test.long_accuracy, found.verdict


def main(seeds: int) -> None:
    """Train, ask, and print a row a task."""
    cases = list(product(TASKS, OFFSETS, range(seeds)))
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        rows = list(pool.map(judged, cases))
    print("task, models converged, generalizers, AUC of P, of accuracy on (0, T]; verdicts given, right")
    for task in TASKS:
        own = [row for row in rows if row[0] == task and row[2] >= 0.95]
        score, short, long = (np.array([row[place] for row in own]) for place in (1, 2, 3))
        label = long >= 0.9
        given = [row[4] != "abstain" for row in own]
        right = [(row[4] == "generalizer") == good for row, good, one in zip(own, label, given, strict=True) if one]
        areas = " ".join("-" if (area := auc(each, label)) is None else f"{area:.2f}" for each in (score, short))
        print(f"{task:16} {len(own):3} {label.sum():3}   {areas}   {sum(given):3} {sum(right):3}")
    for row in rows:
        print(*row)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
