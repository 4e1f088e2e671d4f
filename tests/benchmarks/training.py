"""Training speed of one core: the seeds of a configuration stacked, against one after another.

python -m tests.benchmarks.training
"""

import time

import torch

from app.formulas.datasets import Split, sample_formulas
from app.zoo.recipe import Recipe, manifest
from app.zoo.training import train_stack

STEPS = 60

torch.set_num_threads(1)
group = manifest(Recipe(groups=5))[4]
training = group.training.model_copy(update={"steps": STEPS})
formulas = sample_formulas(group.config.task, 1, group.config.train_max_length, 10_000, 0, Split.TRAINING)
seconds = {}
for label, stacks in (("one by one", [[seed] for seed in group.seeds]), ("stacked", [list(group.seeds)])):
    started = time.process_time()
    for seeds in stacks:
        train_stack(group.config, training, [formulas] * len(seeds), seeds, torch.device("cpu"))
    seconds[label] = time.process_time() - started
for label, value in seconds.items():
    print(f"{label:12} {value / len(group.seeds) / STEPS * 1000:.2f} ms a step and subject")
print(f"ratio: {seconds['one by one'] / seconds['stacked']:.2f}")
