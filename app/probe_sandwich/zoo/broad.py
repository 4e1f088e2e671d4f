"""The broad recipe: subjects of many tasks, training lengths, sizes and habits.

A family is a task, or a task trained for longer, with its own thousand of group numbers, so families grow
independently of each other; a group depends on the recipe's seed and on its number alone. The manifest takes families
in turn, so that a zoo that is not finished yet is balanced.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from probe_sandwich.subjects.config import Activation, Norm, Pooling, Scheme, SubjectConfig
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.tasks import Task, TaskName
from probe_sandwich.tasks.logic.vocabulary import BEGIN, PAD
from probe_sandwich.tasks.task import AnyTask
from probe_sandwich.zoo.recipe import SCHEMES, Group
from probe_sandwich.zoo.training import TrainingConfig

GROUPS_A_FAMILY = 1000
SEEDS_PER_GROUP = 5
RESERVE_EVERY = 8
_FIRST_SEED = 500_000_000
"""No seed of the other recipe: the same seed would start a subject of one shape from the same weights."""

_WIDTHS = (*[24] * 4, *[32] * 6, *[40] * 4, *[48] * 3, *[64] * 2, 96)
_LARGE = 64
_ANY_TASK_FROM = 12
# Position offsets in multiples of T, and steps in multiples of the family's.
_OFFSETS = {Scheme.LEARNED: (0.0, 0.5, 0.5, 1.0, 1.5), Scheme.SINUSOIDAL: (0.0, 0.25, 0.5, 1.0)}
_STEPS = {
    Scheme.NONE: 1.2,
    Scheme.LEARNED: 1.6,
    Scheme.SINUSOIDAL: 1.4,
    Scheme.ROTARY: 0.9,
    Scheme.ALIBI: 1.1,
}


class BroadRecipe(BaseModel):
    """Which subjects a broad zoo holds, but for how many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["broad"] = "broad"
    seed: int = 0


@dataclass(frozen=True)
class TaskFamily:
    """What the configurations of one task are drawn from; what stands there twice is drawn twice as often.

    `tasks`: its variants, the one with the most distinct formulas last; `narrowest`: the least width that learns it;
    `widest`: the width at which more takes room and tells no more; `causal`: the share of subjects that are.
    """

    tasks: tuple[AnyTask, ...]
    lengths: tuple[int, ...]
    layers: tuple[int, ...]
    steps: int
    formulas: tuple[int, ...]
    narrowest: int = 24
    widest: int = max(_WIDTHS)
    poolings: tuple[Pooling, ...] = (*[Pooling.MAX] * 5, *[Pooling.LAST] * 2, Pooling.MEAN)
    causal: float = 0.75


_CNF = Task(name=TaskName.CNF, variables=2, max_clause=2)
_FORMULA = Task(name=TaskName.FORMULA, variables=2, max_depth=1)


def _language(name: LanguageName, steps: int, shortest: int = 8) -> TaskFamily:
    """`shortest`: the least T that has enough distinct strings."""
    return TaskFamily(
        tasks=(LanguageTask(name=name),),
        lengths=tuple(length for length in (8, 10, 10, 12, 12, 14, 16, 16, 20, 24, 32) if length >= shortest),
        layers=(1, *[2] * 6, *[3] * 5, *[4] * 3, 5, 6),
        steps=steps,
        formulas=(1_000, 3_000, 8_000, 20_000),
    )


FAMILIES: dict[str, TaskFamily] = {
    TaskName.CONJUNCTION: TaskFamily(
        tasks=tuple(Task(variables=variables) for variables in (3, 4, 5, 5)),
        lengths=(8, 10, 10, 12, 12, 14, 14, 16, 16, 20, 20, 24, 32),
        layers=(1, *[2] * 5, *[3] * 8, *[4] * 6, 5, 6),
        steps=1300,
        formulas=(3_000, 6_000, 12_000, 30_000),
    ),
    TaskName.CNF: TaskFamily(
        tasks=(_CNF,),
        lengths=(16, 20, 20, 24),
        layers=(*[3] * 4, *[4] * 3),
        steps=2600,
        formulas=(10_000, 20_000, 30_000),
        narrowest=32,
    ),
    TaskName.FORMULA: TaskFamily(
        tasks=(_FORMULA,),
        lengths=(16, 20, 20, 24),
        layers=(4, 4, 4, 5),
        steps=3600,
        formulas=(20_000, 30_000),
        narrowest=40,
    ),
    LanguageName.FIRST_LAST: _language(LanguageName.FIRST_LAST, 800),
    LanguageName.MAJORITY: _language(LanguageName.MAJORITY, 800),
    LanguageName.SORTED: _language(LanguageName.SORTED, 800),
    LanguageName.LAST_OCCURRENCE: _language(LanguageName.LAST_OCCURRENCE, 800),
    LanguageName.CONTAINS: _language(LanguageName.CONTAINS, 1000),
    LanguageName.DYCK1: _language(LanguageName.DYCK1, 1200, 12),
    LanguageName.RECALL: _language(LanguageName.RECALL, 1400, 12),
    LanguageName.PALINDROME: _language(LanguageName.PALINDROME, 2000, 12),
    LanguageName.COPY: _language(LanguageName.COPY, 2000, 16),
    LanguageName.MODULO: _language(LanguageName.MODULO, 2000, 12),
    LanguageName.DYCK2: _language(LanguageName.DYCK2, 2000, 12),
    LanguageName.PARITY: _language(LanguageName.PARITY, 2000, 12),
    LanguageName.SUBSEQUENCE: _language(LanguageName.SUBSEQUENCE, 1000, 10),
    LanguageName.ADJACENT: _language(LanguageName.ADJACENT, 1000, 10),
    LanguageName.FIRST_OCCURRENCE: _language(LanguageName.FIRST_OCCURRENCE, 800),
    LanguageName.THRESHOLD: _language(LanguageName.THRESHOLD, 800, 10),
    LanguageName.EQUAL: _language(LanguageName.EQUAL, 1200, 10),
    # With the steps of their first families hardly any table of positions converges, and hardly any formula.
    "cnf, longer": TaskFamily(
        tasks=(_CNF,),
        lengths=(20, 20, 24, 24),
        layers=(3, 3, 4),
        steps=5000,
        formulas=(20_000, 30_000, 60_000),
        narrowest=32,
        widest=40,
    ),
    "formula, longer": TaskFamily(
        tasks=(_FORMULA,),
        lengths=(16, 16, 20, 20, 24),
        layers=(4, 4, 5),
        steps=7000,
        formulas=(20_000, 30_000, 60_000),
        narrowest=40,
        widest=48,
    ),
    # And with those of the second family, hardly any generalizes.
    "formula, longest": TaskFamily(
        tasks=(_FORMULA,),
        lengths=(16, 20, 20, 24),
        layers=(4, 4, 5),
        steps=11_000,
        formulas=(30_000, 60_000),
        narrowest=40,
        widest=48,
    ),
    # What counts hardly ever generalizes by a maximum; other people's classifiers rather have these.
    "pooled otherwise": TaskFamily(
        tasks=tuple(
            LanguageTask(name=name)
            for name in (
                *[LanguageName.THRESHOLD, LanguageName.EQUAL, LanguageName.MAJORITY] * 2,
                LanguageName.CONTAINS,
                LanguageName.LAST_OCCURRENCE,
                LanguageName.FIRST_LAST,
                LanguageName.ADJACENT,
            )
        ),
        lengths=(12, 12, 14, 16, 16, 20, 24),
        layers=(1, *[2] * 6, *[3] * 5, *[4] * 3),
        steps=1200,
        formulas=(3_000, 8_000, 20_000),
        poolings=(Pooling.MEAN, Pooling.MEAN, Pooling.FIRST, Pooling.FIRST, Pooling.LAST),
        causal=0.4,
    ),
}
"""By name, in the order of their thousands; a family that joins goes to the end. What they were chosen by stands in
`models/zoo-broad/trail.md`."""


def broad_manifest(groups: int, seed: int = 0) -> list[Group]:
    """The first groups of every family in turn, so many in all."""
    a_family = -(-groups // len(FAMILIES))
    turns = (
        [broad_group(place * GROUPS_A_FAMILY + n, seed) for place in range(len(FAMILIES))] for n in range(a_family)
    )
    return list(chain.from_iterable(turns))[:groups]


def broad_group(index: int, seed: int = 0) -> Group:
    """The group of this number. Raises `IndexError` where no family has it."""
    place, number = divmod(index, GROUPS_A_FAMILY)
    family = list(FAMILIES.values())[place]
    rng = np.random.default_rng([_FIRST_SEED, seed, index])
    # Schemes take turns, so that every part of a zoo is balanced over them.
    scheme = SCHEMES[number % len(SCHEMES)]
    config = _config(family, scheme, rng)
    seeds = tuple(_FIRST_SEED + seed * 100_000_000 + index * 1000 + model for model in range(SEEDS_PER_GROUP))
    return Group(
        index,
        config,
        _training(family, config, rng),
        seeds,
        reserve=number % RESERVE_EVERY == RESERVE_EVERY - 1,
    )


def _config(family: TaskFamily, scheme: Scheme, rng: np.random.Generator) -> SubjectConfig:
    width = min(family.widest, max(family.narrowest, int(rng.choice(_WIDTHS))))
    train_max_length = int(rng.choice(family.lengths))
    layers = int(rng.choice(family.layers))
    # So short, few variables have too few distinct formulas: 108 conjunctions of three up to T = 8.
    tasks = family.tasks if train_max_length >= _ANY_TASK_FROM else family.tasks[-1:]
    heads, d_ff = int(rng.choice([2, 4])), int(rng.choice([64, 2 * width]))
    position_base = float(rng.choice([100.0, 1000.0, 10_000.0]))
    # Without positions, a bidirectional subject cannot tell which variable a negation belongs to.
    causal = bool(scheme is Scheme.NONE or rng.random() < family.causal)
    return SubjectConfig(
        d_model=width,
        # The widest would take the larger part of the time and of the store.
        layers=min(layers, max(3, family.layers[0])) if width > _LARGE else layers,
        heads=heads,
        d_ff=d_ff,
        scheme=scheme,
        max_positions=4 * train_max_length + 1,
        position_base=position_base,
        causal=causal,
        pooling=rng.choice([pooling for pooling in family.poolings if not (causal and pooling is Pooling.FIRST)]),
        norm=rng.choice([Norm.PRE, Norm.PRE, Norm.PRE, Norm.POST]),
        activation=rng.choice([Activation.RELU, Activation.GELU]),
        train_max_length=train_max_length,
        task=(task := tasks[int(rng.integers(len(tasks)))]),
        vocabulary=(*alphabet_of(task), BEGIN, PAD),
    )


def _training(family: TaskFamily, config: SubjectConfig, rng: np.random.Generator) -> TrainingConfig:
    fastest = 2.5e-3 if config.d_model >= _LARGE or config.layers > 4 else 4e-3
    offsets = _OFFSETS.get(config.scheme, (0.0,))
    return TrainingConfig(
        steps=int(family.steps * _STEPS[config.scheme] * rng.choice([0.75, 1.0, 1.3])),
        batch=int(rng.choice([48, 64, 80])),
        learning_rate=float(np.exp(rng.uniform(np.log(fastest / 2.5), np.log(fastest)))),
        weight_decay=float(rng.choice([0.0, 0.01, 0.05, 0.2])),
        formulas=int(rng.choice(family.formulas)),
        max_offset=int(config.train_max_length * rng.choice(offsets)),
    )
