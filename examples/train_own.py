"""Five checkpoints of a plain PyTorch model, trained from five seeds, for `probe-sandwich rank` to choose among.

python examples/train_own.py FOLDER

The model and what writes a checkpoint of it stand in `export_checkpoint.py`; the task asks whether the first symbol is
the last. Inputs have at most T symbols and are placed anywhere up to 2T, by an offset drawn for each batch: that trains
positions past T, and is what makes these seeds generalize. All five
take about 45 seconds of one processor core, more on a busy machine.
"""

import sys
from pathlib import Path

import torch
from export_checkpoint import SYMBOLS, Classifier, T, export
from probe_sandwich.tasks.datasets import Split, sample_formulas
from probe_sandwich.tasks.languages.names import LanguageTask
from torch.nn import functional as F

TASK, SEEDS, STEPS, BATCH = LanguageTask(name="first_last"), 5, 700, 64


def train(model: Classifier, lengths: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """Train on ids and labels of one length at a time, placed anywhere up to 2T, and say how far it is; return the last
    loss."""
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=STEPS)
    for step in range(1, STEPS + 1):
        ids, labels = lengths[torch.randint(len(lengths), ())]
        chosen = torch.randint(len(ids), (BATCH,))
        offset = int(torch.randint(T + 1, ()))
        loss = F.cross_entropy(model(ids[chosen], first=offset), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"  step {step} of {STEPS}: loss {loss.item():.3f}", flush=True)
    return loss.item()


def main(folder: Path) -> None:
    """Train and export one model a seed."""
    torch.set_num_threads(1)  # so small a model gains nothing by more, which wait for one another on a busy machine
    folder.mkdir(parents=True, exist_ok=True)
    lengths = []
    for length in range(5, T + 1):
        drawn = sample_formulas(TASK, length, length, 1500, seed=0, split=Split.TRAINING)
        rows = [[SYMBOLS.index(symbol) for symbol in ("<s>", *text)] for text in drawn.texts()]
        lengths.append((torch.tensor(rows), torch.from_numpy(drawn.satisfiable).long()))
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model = Classifier()
        print(f"seed {seed}, {seed + 1} of {SEEDS}", flush=True)
        print(f"seed {seed}: loss {train(model, lengths):.3f}")
        export(model, folder / f"seed-{seed}.safetensors", TASK.name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
