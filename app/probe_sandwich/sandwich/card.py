"""The card of a meta-classifier: what a worker needs to answer, and how good the answers were measured to be."""

import hashlib

from pydantic import BaseModel, ConfigDict

from probe_sandwich.answer import Definition, TrackRecord
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.tasks.task import AnyTask


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
    one_sided_schemes: list[str]
    """Position schemes that no figure counts, as nearly all of their subjects have one label."""


class Card(BaseModel):
    """The JSON beside the weights. All tables of figures stand in `evidence.json`."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: int = 1
    task: AnyTask
    train_max_length: int
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
    track_record: TrackRecord
    packages: dict[str, str]
    sha256: str
    """Of `sandwich.safetensors`."""

    @property
    def fingerprint(self) -> str:
        """Hash of the whole card, and so of the weights that it names: answers of equal fingerprints are equal."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
