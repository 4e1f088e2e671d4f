"""Training speed: subjects stacked, against the same subjects one after another, in one run.

python -m tests.benchmarks.training [cpu|cuda] [groups]

On a CPU one group of five seeds (what the builder stacks there), on a GPU 32 groups of one shape; also where the
time of making the data goes, and, on a GPU, the share of the card's peak (`PEAK_TFLOPS`, float32 with TF32).
"""

import sys
import time

import torch
from probe_sandwich.subjects.transformer import parameter_count
from probe_sandwich.zoo.build import stacks, training_run
from probe_sandwich.zoo.recipe import Recipe, manifest
from probe_sandwich.zoo.training import Run, train_stack

STEPS = 60
PEAK_TFLOPS = 67.0  # H200, float32 without tensor cores (NVIDIA data sheet)


def seconds_of(stacked: list[list[Run]], device: torch.device) -> float:
    """Seconds of one core (CPU) or of the clock (GPU) to train each stack in turn."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    started = clock()
    for runs in stacked:
        train_stack(runs, device)
    return clock() - started


def main() -> None:
    """Print seconds and ratios."""
    device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else (1 if device.type == "cpu" else 32)
    torch.set_num_threads(1)
    groups = max(stacks(manifest(Recipe(groups=400)), wanted), key=len)
    started = time.process_time()
    full = [training_run(group) for group in groups]
    data = time.process_time() - started
    runs = [Run(run.config, run.training.model_copy(update={"steps": STEPS}), run.seeds, run.formulas) for run in full]
    singles = [Run(run.config, run.training, (seed,), run.formulas) for run in runs for seed in run.seeds]
    seconds_of([runs[:1]], device)  # whatever is slow the first time
    one_by_one = seconds_of([[single] for single in singles[: 5 if device.type == "cuda" else len(singles)]], device)
    one_by_one *= len(singles) / min(len(singles), 5 if device.type == "cuda" else len(singles))
    together = seconds_of([runs], device)
    steps = sum(run.training.steps * len(run.seeds) for run in full) / len(singles)
    print(f"{len(singles)} subjects of {len(groups)} configurations, {device}")
    print(f"one by one  {one_by_one / len(singles) / STEPS * 1000:8.3f} ms a step and subject (the reference)")
    print(f"stacked     {together / len(singles) / STEPS * 1000:8.3f} ms a step and subject")
    print(f"ratio       {one_by_one / together:8.2f}")
    print(f"full runs   {60 * len(singles) / (together * steps / STEPS):8.1f} subjects a minute")
    share = data / (data + together * steps / STEPS)
    print(f"formulas    {data / len(singles):8.3f} s a subject, {share:.1%} of its time")
    if device.type == "cuda":
        tokens = sum(run.training.batch * len(run.seeds) * run.config.train_max_length for run in runs) * STEPS
        achieved = 6 * tokens * parameter_count(runs[0].config) / together / 1e12
        print(f"arithmetic  {achieved:8.2f} TFLOP/s, {achieved / PEAK_TFLOPS:.1%} of peak")


if __name__ == "__main__":
    main()
