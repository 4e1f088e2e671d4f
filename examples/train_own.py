"""Five checkpoints of a plain PyTorch model, trained from five seeds, for `probe-sandwich rank` to choose among.

python examples/train_own.py FOLDER

The model and what writes a checkpoint of it stand in `export_checkpoint.py`.
"""

import sys
from pathlib import Path

import torch
from export_checkpoint import SYMBOLS, Classifier, T, export
from probe_sandwich.tasks.datasets import Split, sample_formulas
from probe_sandwich.tasks.logic.tasks import Task
from torch.nn import functional as F

SEEDS, STEPS, BATCH = 5, 1500, 128


def main(folder: Path) -> None:
    """Train one model a seed on formulas of at most T symbols; places are moved by up to T, so that all are trained."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = sample_formulas(Task(), 7, T, 20_000, seed=0, split=Split.TRAINING)
    rows = [[SYMBOLS.index(symbol) for symbol in ("<s>", *text)] for text in drawn.texts()]
    by_length = {n: torch.tensor([row for row in rows if len(row) == n]) for n in sorted(set(map(len, rows)))}
    labels = {
        n: torch.tensor([y for row, y in zip(rows, drawn.satisfiable, strict=True) if len(row) == n]) for n in by_length
    }
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model = Classifier()
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STEPS)
        for _ in range(STEPS):
            length = list(by_length)[int(torch.randint(len(by_length), ()))]
            chosen = torch.randint(len(by_length[length]), (BATCH,))
            first = int(torch.randint(T + 1, ()))
            loss = F.cross_entropy(model(by_length[length][chosen], first), labels[length][chosen].long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        export(model, folder / f"seed-{seed}.safetensors")
        print(f"seed {seed}: loss {loss.item():.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
