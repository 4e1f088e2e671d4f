"""Building the foreign test set, one subject after the other."""

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from probe_sandwich.answer import Definition
from probe_sandwich.files import write_atomically
from probe_sandwich.length_test import run_length_test
from probe_sandwich.tasks.datasets import Formulas, sample_formulas
from probe_sandwich.tasks.splits import Split
from probe_sandwich.zoo.foreign.config import ForeignConfig, ForeignTraining
from probe_sandwich.zoo.foreign.recipe import Plan
from probe_sandwich.zoo.foreign.store import (
    ForeignRow,
    read_rows,
    stored_weights,
    weights_path,
    with_weights,
    write_rows,
)
from probe_sandwich.zoo.foreign.subject import build_module, subject_of
from probe_sandwich.zoo.foreign.training import train
from probe_sandwich.zoo.label import label_of

LABEL_FORMULAS = 1000
_DATA_SEED = 3_000_017
"""Distinct from the seeds that draw the zoo's training formulas."""


def build(
    folder: Path,
    plans: Iterable[Plan],
    definition: Definition | None = None,
    progress: Callable[[ForeignRow], None] = lambda row: None,
) -> list[ForeignRow]:
    """Train and label the plans that are not in the index, or otherwise than planned; each is in it as soon as it is
    done. Weights of subjects that did not converge, of which nothing is asked, are not kept."""
    definition = definition or Definition(formulas_per_bucket=LABEL_FORMULAS)
    rows = {row.number: row for row in read_rows(folder)}
    for plan in plans:
        there = rows.get(plan.number)
        if there is not None and (there.config, there.training) == (plan.config, plan.training):
            continue
        row, content = train_one(plan, definition)
        weights = weights_path(folder, plan.number)
        if row.converged:
            write_atomically(weights, content)
        else:
            weights.unlink(missing_ok=True)
        rows[plan.number] = row
        write_rows(folder, rows.values())
        progress(row)
    return list(rows.values())


def train_one(plan: Plan, definition: Definition) -> tuple[ForeignRow, bytes]:
    """A subject's row, and its weights as they are stored: labels belong to what is stored."""
    config, training = plan.config, plan.training
    examples = _examples(config, training, plan.seed)
    started = time.process_time()
    outcome = train(config, training, examples, plan.seed)
    seconds = time.process_time() - started
    content = stored_weights(outcome.module)
    subject = subject_of(config, with_weights(build_module(config, plan.seed), content))
    (result,) = run_length_test(subject, definition)
    row = ForeignRow(
        number=plan.number,
        subject=hashlib.sha256(content).hexdigest(),
        seed=plan.seed,
        config=config,
        training=training,
        loss=round(outcome.loss, 5),
        given_up_at=outcome.given_up_at,
        **label_of(result),
        train_seconds=round(seconds, 1),
    )
    return row, content


def _examples(config: ForeignConfig, training: ForeignTraining, seed: int) -> Formulas:
    seed = (seed + _DATA_SEED) % 2**32
    return sample_formulas(config.task, 1, config.train_max_length, training.examples, seed, Split.TRAINING)
