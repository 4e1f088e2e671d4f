"""Speed of training through frozen subjects: stacked, against a Python loop over single subjects, in one run.

python -m tests.benchmarks.sandwich [cpu|cuda] [subjects]

Each step draws noise, runs every subject forward and backward, and updates selector and readout. The reference is the
loop, as in published code (ProbeGen).
"""

import sys
import time
from collections.abc import Sequence

import torch
from probe_sandwich.evidence.universal.settings import TRAINING, UNIVERSAL
from probe_sandwich.sandwich.noise import draw_noise
from probe_sandwich.sandwich.training.losses import sandwich_losses
from probe_sandwich.sandwich.training.start import start_universal
from probe_sandwich.sandwich.training.training import sandwich_optimizer
from probe_sandwich.settings import SHIPPED_MODELS
from probe_sandwich.zoo.cohorts import Cohort, load_cohorts
from probe_sandwich.zoo.shards import read_index

STEPS = 5


def seconds_a_step(cohorts: Sequence[Cohort], device: torch.device) -> float:
    """Seconds of one step over all cohorts."""
    sandwich = start_universal(UNIVERSAL, TRAINING).to(device)
    optimizer = sandwich_optimizer(sandwich, TRAINING)
    noise = draw_noise(UNIVERSAL, 1, torch.Generator().manual_seed(0)).to(device)
    started = 0.0
    for step in range(STEPS + 1):
        for cohort in cohorts:
            sandwich_losses(sandwich, TRAINING, cohort, noise).mean(dim=0).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if step == 0:  # whatever is slow the first time
            started = time.perf_counter()
    return (time.perf_counter() - started) / STEPS


def main() -> None:
    """Print seconds and ratio."""
    device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    torch.set_num_threads(1)
    zoo = SHIPPED_MODELS / "zoo-conjunction"
    rows = [row for row in read_index(zoo) if row.converged]
    # One shape and one scheme, the commonest.
    kinds = [(row.config.shape, row.scheme) for row in rows]
    common = max(set(kinds), key=kinds.count)
    rows = [row for row, kind in zip(rows, kinds, strict=True) if kind == common][:wanted]
    (cohort,) = load_cohorts(zoo, rows, device)
    loop = seconds_a_step([cohort.select([row]) for row in range(len(rows))], device)
    together = seconds_a_step([cohort], device)
    print(f"{len(rows)} subjects, {device}, one thread")
    print(f"loop     {1000 * loop:8.1f} ms a step (the reference)")
    print(f"stacked  {1000 * together:8.1f} ms a step")
    print(f"ratio    {loop / together:8.2f}")


if __name__ == "__main__":
    main()
