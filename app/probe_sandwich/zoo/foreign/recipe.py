"""Which foreign subjects there are: a deterministic list of plans, each of a configuration of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probe_sandwich.subjects.config import Activation, Norm
from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.task import AnyTask
from probe_sandwich.zoo.foreign.config import Family, ForeignConfig, ForeignPool, ForeignTraining, PositionSource

PLANS_A_TASK = 1000
FIRST_SEED = 700_000_000
# A third are PyTorch's own encoder.
_FAMILIES = (
    *(Family.PLAIN, Family.BERT, Family.GPT2, Family.PLAIN, Family.LLAMA),
    *(Family.T5, Family.PLAIN, Family.DISTILBERT, Family.BERT, Family.PLAIN),
    *(Family.GPT2, Family.LLAMA, Family.PLAIN, Family.T5, Family.DISTILBERT),
)

_SHIFT = 4
"""Each course begins the turn further on, so that a few of each already are of several families."""


@dataclass(frozen=True)
class Plan:
    """A subject to train."""

    number: int
    config: ForeignConfig
    training: ForeignTraining
    seed: int


@dataclass(frozen=True)
class Course:
    """A task's subjects: how many plans, training lengths, steps of the plain encoder, batches, and labelled inputs;
    what stands there twice is drawn twice as often."""

    task: AnyTask
    plans: int
    lengths: tuple[int, ...]
    steps: int
    batches: tuple[int, ...]
    examples: tuple[int, ...]


def _language(name: LanguageName, plans: int = 24) -> Course:
    return Course(LanguageTask(name=name), plans, (10, 12, 12, 14, 16), 1000, (24, 32, 32, 48), (4_000, 10_000, 20_000))


COURSES = (
    Course(Task(), 75, (12, 12, 12, 12, 12, 14), 2000, (48, 64, 64), (30_000, 60_000, 120_000)),
    _language(LanguageName.MAJORITY),
    _language(LanguageName.FIRST_LAST),
    _language(LanguageName.DYCK1),
    _language(LanguageName.CONTAINS),
    _language(LanguageName.LAST_OCCURRENCE),
    _language(LanguageName.THRESHOLD, 12),
    _language(LanguageName.EQUAL, 12),
    _language(LanguageName.ADJACENT, 12),
)
"""Each has numbers from a thousand of its own, in this order: append, never insert."""


def manifest(courses: Sequence[Course] = COURSES) -> list[Plan]:
    """All plans, the courses mixed evenly, so that what is not finished yet is balanced."""
    places = [
        (place / course.plans, number, place) for number, course in enumerate(courses) for place in range(course.plans)
    ]
    return [plan_of(courses[number], PLANS_A_TASK * number + place) for _, number, place in sorted(places)]


def plan_of(course: Course, number: int) -> Plan:
    """One plan, which depends on its course and its number alone."""
    random = np.random.default_rng([FIRST_SEED, number])
    course_number, place = divmod(number, PLANS_A_TASK)
    family = _FAMILIES[(place + _SHIFT * course_number) % len(_FAMILIES)]
    length = int(random.choice(course.lengths))
    facts = _plain(random) if family is Family.PLAIN else _hugging_face(family, random)
    width = int(random.choice([32, 32, 32, 40, 48, 64]))
    config = ForeignConfig(
        family=family,
        d_model=width,
        heads=int(random.choice([2, 4])),
        d_ff=width * int(random.choice([2, 2, 4])),
        activation=Activation(random.choice(["relu", "gelu"])),
        train_max_length=length,
        task=course.task,
        **facts,
    )
    shifted = config.table in (PositionSource.LEARNED, PositionSource.SINUSOIDAL) or family in (
        Family.BERT,
        Family.GPT2,
    )
    shifts = bool(shifted and random.random() < 0.6)
    training = ForeignTraining(
        steps=int(course.steps * _STEPS[family] * (1.5 if shifts else 1.0)),
        batch=int(random.choice(course.batches)),
        # Rounded, since processors differ in the last place of an exponential.
        learning_rate=round(float(np.exp(random.uniform(*np.log(_RATES[family])))), 6),
        weight_decay=float(random.choice([0.0, 0.01, 0.1])),
        dropout=float(random.choice([0.0, 0.0, 0.0, 0.05])),
        examples=int(random.choice(course.examples)),
        short_first=bool(random.random() < 0.9),
        # What shifts its positions late must not stop before.
        stop_loss=0.0 if shifts else float(random.choice([0.0, 0.01, 0.02, 0.02])),
        max_offset=int(length * random.choice([0.5, 1.0, 1.5])) if shifts else 0,
    )
    return Plan(number, config, training, FIRST_SEED + number)


# Steps in multiples of the course's, and peak learning rates: what it takes for most to converge.
_STEPS = {
    Family.PLAIN: 1.0,
    Family.BERT: 1.5,
    Family.DISTILBERT: 1.5,
    Family.GPT2: 1.5,
    Family.LLAMA: 1.0,
    Family.T5: 1.0,
}
_RATES = {
    Family.PLAIN: (2.5e-3, 4e-3),
    Family.BERT: (1.2e-3, 2.5e-3),
    Family.DISTILBERT: (1.2e-3, 2.5e-3),
    Family.GPT2: (2e-3, 4e-3),
    Family.LLAMA: (2.5e-3, 4e-3),
    Family.T5: (2e-3, 4e-3),
}


def _plain(random: np.random.Generator) -> dict[str, Any]:
    table = PositionSource(random.choice(["learned", "learned", "sinusoidal", "sinusoidal", "none"]))
    # Without positions, one that sees both ways cannot tell which symbol a negation belongs to.
    causal = bool(table is PositionSource.NONE or random.random() < 0.6)
    # Few of those that pool by the first or the last symbol converge within these steps; without positions, only those
    # that pool by the largest.
    rare = ForeignPool.LAST if causal else ForeignPool.FIRST
    pool = (
        ForeignPool.MAX
        if table is PositionSource.NONE
        else ForeignPool(random.choice([*[ForeignPool.MAX] * 5, *[ForeignPool.MEAN] * 3, rare]))
    )
    return {
        "table": table,
        "causal": causal,
        "pool": pool,
        "norm": Norm(random.choice(["pre", "pre", "pre", "pre", "post"])),
        "layers": int(random.choice([2, 3, 3, 4])),
        "begins": bool(pool is ForeignPool.FIRST or random.random() < 0.6),
        "ends": bool(random.random() < 0.3),
    }


def _hugging_face(family: Family, random: np.random.Generator) -> dict[str, Any]:
    seen_both_ways = family in (Family.BERT, Family.DISTILBERT)
    return {
        "table": PositionSource.OWN,
        "causal": family in (Family.GPT2, Family.LLAMA),
        "pool": ForeignPool.OWN,
        "norm": Norm.POST if seen_both_ways else Norm.PRE,
        "layers": 4 if family is Family.T5 else int(random.choice([2, 3, 3] if seen_both_ways else [2, 3, 3, 4])),
        "begins": bool(seen_both_ways or (family is not Family.T5 and random.random() < 0.5)),
        "ends": bool(seen_both_ways or family is Family.T5 or random.random() < 0.5),
    }
