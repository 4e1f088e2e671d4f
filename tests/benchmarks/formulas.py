"""Seconds of one core for 100,000 training formulas of each task, and PySAT's rate beside the truth table's."""

import time

from probe_sandwich.tasks.datasets import sample_formulas
from probe_sandwich.tasks.logic.solver import reference_satisfiable, satisfiable
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.splits import Split

for name in TaskName:
    started = time.process_time()
    formulas = sample_formulas(Task(name=name), 1, 24, 100_000, seed=1, split=Split.TRAINING)
    print(f"{name:12} {len(formulas):,} formulas in {time.process_time() - started:.1f} s")

texts = list(formulas.texts())[:2000]
rates = {}
for label, solve in (("PySAT", reference_satisfiable), ("truth table", satisfiable)):
    started = time.process_time()
    answers = [solve(text) for text in texts]
    rates[label] = len(texts) / (time.process_time() - started)
print(f"one text at a time: {', '.join(f'{label} {rate:,.0f}/s' for label, rate in rates.items())}")
print(f"ratio: {rates['truth table'] / rates['PySAT']:.0f}")
