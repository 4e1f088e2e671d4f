"""What the callback costs a training at its default interval, measured on real training.

python -m tests.benchmarks.callback [SECONDS]

Trains the plain module of `examples/export_checkpoint.py` with the callback, and reports the time of the checks as a
share of all time.
"""

import sys
import time
from pathlib import Path

import torch
from probe_sandwich import Options, Reading, classify
from probe_sandwich.callbacks.loop import GeneralizerCallback
from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.tasks import Task
from torch.nn import functional as F

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
from export_checkpoint import SYMBOLS, Classifier, T

BATCH = 128


def main(seconds: float) -> None:
    """Train for about so long."""
    drawn = sample_formulas(Task(), T, T, 4000, seed=0)
    texts, labels = list(drawn.texts()), torch.from_numpy(drawn.satisfiable).long()
    rows = torch.tensor([[SYMBOLS.index(symbol) for symbol in ("<s>", *text)] for text in texts])
    reading = Reading(vocabulary=SYMBOLS, train_max_length=T, pad="<pad>", begin="<s>", task="conjunction")
    labelled = list(zip(texts[:200], labels[:200].tolist(), strict=True))
    model = Classifier()
    callback = GeneralizerCallback(
        model, lambda: classify(model, reading, labelled=labelled, options=Options(noise_draws=1))
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    started = time.perf_counter()
    steps = checks = 0
    while (passed := time.perf_counter() - started) < seconds:
        chosen = torch.randint(len(rows), (BATCH,))
        optimizer.zero_grad()
        F.cross_entropy(model(rows[chosen]), labels[chosen]).backward()
        optimizer.step()
        steps += 1
        if logs := callback.step():
            checks += 1
            print(f"step {steps}: {logs}")
    spent = callback.checks.spent
    print(f"{steps} steps, {checks} checks: {spent:.1f} of {passed:.1f} s, {spent / (passed - spent):.2%} of training")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 300.0)
