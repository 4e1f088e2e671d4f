"""Foreign subjects so small that one is trained in a moment."""

from typing import Any

from probe_sandwich.answer import Definition
from probe_sandwich.subjects.config import Activation, Norm
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.zoo.foreign.config import Family, ForeignConfig, ForeignPool, ForeignTraining, PositionSource
from probe_sandwich.zoo.foreign.recipe import Plan

DEFINITION = Definition(convergence_cut=0.0, formulas_per_bucket=20)
"""By which every subject has converged, as small as it is."""


def plan(number: int = 0, **facts: Any) -> Plan:
    """A subject so small that it is trained in a moment."""
    usual: dict[str, Any] = {
        "family": Family.PLAIN,
        "task": Task(),
        "begins": True,
        "ends": True,
        "table": PositionSource.LEARNED,
        "causal": True,
        "pool": ForeignPool.LAST,
    }
    config = ForeignConfig(
        d_model=16,
        layers=2,
        heads=2,
        d_ff=16,
        norm=Norm.PRE,
        activation=Activation.RELU,
        train_max_length=12,
        **(usual | facts),
    )
    training = ForeignTraining(
        steps=20,
        batch=8,
        learning_rate=1e-3,
        weight_decay=0.01,
        dropout=0.1,
        examples=100,
        short_first=True,
        stop_loss=0.0,
        max_offset=12,
    )
    return Plan(number, config, training, 77 + number)
