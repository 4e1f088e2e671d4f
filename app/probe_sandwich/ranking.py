"""Which of several subjects to choose: ordered by P(generalizer), with ties told as ties.

One subject stands ahead of another where *every* member of the ensemble gives it the higher probability. Members were
trained on other parts of the zoo and read other noise, but each asks all subjects of a task and T the same, so that
they are compared in pairs. Subjects of another task or T are asked otherwise: each task and T has a ranking of its own,
and nothing is said between two of them. Where the members differ about the order of two, these are tied, however far
apart their probabilities lie.

Withheld numbers are ranked with the others where they order subjects: where the verdicts on a kind of subjects were not
right often enough, or the members are of two minds. Whoever must choose one of many seeds is not helped by leaving such
a one out, and is told that it has no verdict. Where the number says nothing of its subject (it has not converged, or
its responses are unlike the zoo's), the subject gets no rank.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from probe_sandwich.answer import Diagnosis, Doubt

RANKED_DOUBTS = (Doubt.UNTRUSTED_KIND, Doubt.MEMBERS_DISAGREE)
"""Reasons to withhold a number that orders subjects all the same."""

_STEP = re.compile(r"(?:step|checkpoint)\D{0,3}?(\d+)", re.IGNORECASE)


class Ranked(BaseModel):
    """Where one of several subjects stands among those of its task and T."""

    index: int = Field(description="its place, from 0, among the subjects as they were given")
    task: str
    train_max_length: int = Field(description="T; ranks of another task or T are of another ranking")
    rank: int = Field(description="one more than there are subjects of its task and T that stand ahead of it")
    last_rank: int = Field(
        description="all of its task and T less those that it stands ahead of. Greater than `rank` where it is tied "
        "with others: it may stand anywhere between the two"
    )
    probability: float = Field(description="P(generalizer), by which its ranking is sorted")
    interval: tuple[float, float] = Field(description="as `probability_interval` of the diagnosis")
    withheld: bool = Field(description="whether there is no verdict: the number orders subjects, but is no answer")


@dataclass(frozen=True)
class _Contender:
    """A subject that has a number to rank it by."""

    index: int
    probability: float
    interval: tuple[float, float]
    withheld: bool
    members: tuple[float, ...]

    def stands_ahead_of(self, other: "_Contender") -> bool:
        return all(own > others for own, others in zip(self.members, other.members, strict=True))


def rank(diagnoses: Sequence[Diagnosis | None]) -> list[Ranked]:
    """The subjects that can be ranked: one ranking a task and T after the other, in each the likeliest generalizer
    first. Of one meta-classifier; None stands for one without a diagnosis."""
    groups: dict[tuple[str, int], list[_Contender]] = {}
    for index, diagnosis in enumerate(diagnoses):
        if diagnosis is not None and (contender := _contender(index, diagnosis)) is not None:
            subject = diagnosis.checkpoint
            groups.setdefault((subject.task, subject.train_max_length), []).append(contender)
    return [ranked for group, contenders in groups.items() for ranked in _ranked(*group, contenders)]


def _ranked(task: str, train_max_length: int, contenders: list[_Contender]) -> list[Ranked]:
    # What all members put ahead also has the higher mean: sorting by it goes against none of their pairs.
    contenders.sort(key=lambda one: -one.probability)
    ahead, behind = [0] * len(contenders), [0] * len(contenders)
    for place, lower in enumerate(contenders):
        for above, higher in enumerate(contenders[:place]):
            if higher.stands_ahead_of(lower):
                ahead[place] += 1
                behind[above] += 1
    return [
        Ranked(
            index=one.index,
            task=task,
            train_max_length=train_max_length,
            rank=1 + ahead[place],
            last_rank=len(contenders) - behind[place],
            probability=one.probability,
            interval=one.interval,
            withheld=one.withheld,
        )
        for place, one in enumerate(contenders)
    ]


def _contender(index: int, diagnosis: Diagnosis) -> _Contender | None:
    probability, interval = diagnosis.generalizer_probability, diagnosis.probability_interval
    withheld = diagnosis.doubt in RANKED_DOUBTS
    if withheld:
        probability, interval = diagnosis.withheld_probability, diagnosis.withheld_interval
    members = diagnosis.member_probabilities
    if probability is None or interval is None or members is None:
        return None
    return _Contender(index, probability, interval, withheld, tuple(members))


def step_of(path: Path) -> int | None:
    """The step of a snapshot of a run, by its name: the number after `step` or `checkpoint`, else the last number."""
    name = path.stem if path.suffix in (".safetensors", ".zip") else path.name
    found = _STEP.findall(name) or re.findall(r"\d+", name)
    return int(found[-1]) if found else None
