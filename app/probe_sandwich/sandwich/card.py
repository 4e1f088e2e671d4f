"""The card of a meta-classifier: what a worker needs to answer, and how good the answers were measured to be."""

import hashlib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from probe_sandwich.answer import Definition, TrackRecord, ZooCurves
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.subjects.subject import SubjectFacts

LEAST_SUBJECTS, LEAST_ACCURACY = 50, 0.8
"""What a kind of subject must have been measured on, and to be, so that verdicts on it are given."""
ENOUGH_OF_A_LABEL = 10
"""Subjects of either label that a task must have been judged on, for its verdicts to be given however sure they are:
where all generalize, to say so of all is right, and tells nothing."""
ENOUGH_JUDGED_POORLY = 10
"""Subjects of a task from which on it counts that too few verdicts on them were right; and verdicts on it of which
enough must have been right, where only those are given that are sure."""


class ZooFacts(BaseModel):
    """The zoo that a meta-classifier was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: int
    """Configurations are numbered from 0 to one less; those that join the zoo later have higher numbers."""
    rows_sha256: str
    """Over the subjects' hashes and labels."""
    subjects: int
    converged: int
    reserve: int
    generalizers: int
    """Among the converged ones."""


class KindRecord(BaseModel):
    """What a meta-classifier was measured to be worth on one kind of subject."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    fewer: int
    """Of the label that fewer of them have."""
    answered: float
    """Share of them that got a verdict."""
    accuracy: float | None
    """Share of right verdicts among those; None where there are none."""
    auc: float | None
    """Of them all together; None where they have one label."""
    least_confidence: float = 0.0
    """A verdict is given where P is at least so far from 0.5; `answered` and `accuracy` are of those."""

    @property
    def poor(self) -> bool:
        """Whether too few verdicts are right, or no more than if all were the commoner one."""
        always_the_same = 1 - self.fewer / self.subjects
        return self.accuracy is not None and self.accuracy < max(LEAST_ACCURACY, always_the_same)

    @property
    def trusted(self) -> bool:
        """Whether verdicts on this kind may be given, those that are sure enough."""
        if self.accuracy is None or self.poor or self.fewer < ENOUGH_OF_A_LABEL:
            return False
        if self.least_confidence:
            return round(self.subjects * self.answered) >= ENOUGH_JUDGED_POORLY
        return self.subjects >= LEAST_SUBJECTS

    @property
    def counts(self) -> bool:
        """Whether this record of one task is what its verdicts rest on: fewer subjects show that it is judged badly
        than that it is judged well."""
        poor = bool(self.least_confidence) or self.poor
        return self.trusted or (poor and self.subjects >= ENOUGH_JUDGED_POORLY)


def record_for(task: str, tasks: Mapping[str, KindRecord], other_tasks: KindRecord | None) -> KindRecord | None:
    """What verdicts on a task rest on: what was measured on subjects of it or, where the zoo has too few, on tasks left
    out."""
    own = tasks.get(task)
    return own if own is not None and own.counts else other_tasks


class Card(BaseModel):
    """The JSON beside the weights. All tables of figures stand in `evidence.json`."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: int = 1
    definition: Definition
    threshold: float
    """A subject is called a generalizer from this probability on."""
    sandwich: SandwichConfig
    training: SandwichTraining
    calibrations: list[Calibration]
    support_limits: list[float]
    student_quantile: float
    """Of Student's t over the members, for the interval beside a probability."""
    zoo: ZooFacts
    track_record: TrackRecord | None
    """None where nothing was measured, nor by task."""
    tasks: dict[str, KindRecord]
    """Of the zoo's tasks, on configurations that the judging member had not seen."""
    other_tasks: KindRecord | None
    """Of tasks that were left out of the training; None where the zoo has too few tasks for that."""
    kept_answers: ZooCurves | None = Field(default=None, exclude_if=lambda curves: curves is None)
    """How many answers its subjects keep at each placement; None of a card from before, or of a zoo of one label."""
    kept_answers_by_task: dict[str, ZooCurves] = Field(default_factory=dict, exclude_if=lambda curves: not curves)
    """The same of those tasks that it has enough subjects of."""
    packages: dict[str, str]
    sha256: str
    """Of `sandwich.safetensors`."""

    def record_of(self, config: SubjectFacts) -> KindRecord | None:
        """What was measured on subjects of this one's task or, where the zoo has too few of it, on tasks left out."""
        return record_for(config.task.name, self.tasks, self.other_tasks)

    @property
    def fingerprint(self) -> str:
        """Hash of the whole card, and so of the weights that it names: answers of equal fingerprints are equal."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
