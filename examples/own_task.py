"""A task of your own, end to end: a checkpoint of it, and the two files of inputs that go with one.

python examples/own_task.py FOLDER

The task: a log of o (open), c (close) and w (write) is right where nothing is written while closed. What trains the
model is the zoo's own training, for brevity: a model of yours comes from your code, as in `export_checkpoint.py`.
It takes some 20 seconds of one processor core.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from probe_sandwich.subjects.checkpoint import save_checkpoint
from probe_sandwich.subjects.config import SubjectConfig
from probe_sandwich.tasks.datasets import Formulas
from probe_sandwich.zoo.training import Run, TrainingConfig, train_stack

ALPHABET, T = ("o", "c", "w"), 12
OPEN, CLOSE, WRITE = range(3)


def is_right(logs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether nothing is written while closed, of logs `(logs, length)`; all begin closed."""
    is_open, right = np.zeros(len(logs), bool), np.ones(len(logs), bool)
    for symbols in logs.T:
        is_open = np.where(symbols == WRITE, is_open, symbols == OPEN)
        right &= is_open | (symbols != WRITE)
    return right


def pairs(length: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Right logs in even rows, each followed by a wrong one that differs from it by an exchange of two symbols."""
    found: dict[bytes, NDArray[np.int64]] = {}
    for _ in range(200):
        logs = random.choice(3, size=(4 * count, length), p=(0.3, 0.1, 0.6))
        one, other = random.integers(length, size=(2, len(logs)))
        rows, edited = np.arange(len(logs)), logs.copy()
        edited[rows, one], edited[rows, other] = logs[rows, other], logs[rows, one]
        crossed = is_right(logs) & ~is_right(edited)
        found |= {
            log.tobytes(): np.stack([log, wrong]) for log, wrong in zip(logs[crossed], edited[crossed], strict=True)
        }
        if len(found) >= count:
            break
    return np.concatenate([np.empty((0, length), np.int64), *list(found.values())[:count]])


def drawn(lengths: range, count: int, seed: int) -> Formulas:
    """Up to so many pairs of each length; an even row is right, the next one is not."""
    random = np.random.default_rng(seed)
    logs = [pairs(length, count, random) for length in lengths]
    ids = np.concatenate([np.pad(part, ((0, 0), (0, lengths[-1] - part.shape[1]))) for part in logs])
    of_length = np.concatenate([np.full(len(part), part.shape[1]) for part in logs])
    return Formulas(ALPHABET, ids.astype(np.uint8), of_length, np.arange(len(ids)) % 2 == 0)


def main(folder: Path) -> None:
    """Train a model and write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    config = SubjectConfig(
        vocabulary=(*ALPHABET, "<s>", "<pad>"),
        begin_symbol="<s>",
        pad_symbol="<pad>",
        d_model=32,
        layers=2,
        heads=2,
        d_ff=64,
        scheme="alibi",
        causal=True,
        pooling="max",
        norm="pre",
        train_max_length=T,
        task={"name": "writes-while-open", "alphabet": ALPHABET},
    )
    training = TrainingConfig(steps=800, batch=64, learning_rate=3e-3, weight_decay=0.01, formulas=8000, max_offset=0)
    torch.set_num_threads(1)
    examples = drawn(range(3, T + 1), 400, seed=0)
    (trained,) = train_stack([Run(config, training, (0,), examples)], torch.device("cpu"))
    save_checkpoint(
        folder / "writes-while-open.safetensors", config, {name: w[0] for name, w in trained.weights.items()}
    )
    inputs = drawn(range(8, T + 1), 20, seed=1)
    (folder / "inputs.txt").write_text("".join(f"{text}\n" for text in inputs.texts()))
    with (folder / "labelled.jsonl").open("w") as file:
        labelled = drawn(range(8, 4 * T + 1), 10, seed=2)
        for text, label in zip(labelled.texts(), labelled.satisfiable.tolist(), strict=True):
            print(json.dumps({"input": text, "label": int(label)}), file=file)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
