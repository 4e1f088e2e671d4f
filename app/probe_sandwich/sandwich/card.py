"""The card of a meta-classifier: what it means, what it was made from, and how good it was measured to be."""

import hashlib
from typing import Any

from pydantic import BaseModel, ConfigDict

from probe_sandwich.length_test import Definition
from probe_sandwich.sandwich.calibration import Calibration
from probe_sandwich.sandwich.config import SandwichConfig, SandwichTraining
from probe_sandwich.tasks.task import AnyTask


class Card(BaseModel):
    """The JSON beside the weights."""

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
    zoo: dict[str, Any]
    metrics: dict[str, Any]
    slices: dict[str, Any] = {}
    """The sandwich's figures among some of the subjects, or with labels at other cuts."""
    reserve: dict[str, Any] = {}
    """Figures on configurations that were kept out of the training: of the whole ensemble, and of baselines fitted on
    all subjects that the ensemble was made from."""
    later: dict[str, Any] = {}
    """The same on configurations that joined the zoo after the training."""
    unseen: dict[str, Any] = {}
    """The same on both together: the configurations that nothing was chosen on."""
    schemes: dict[str, Any] = {}
    """By position scheme, which answers placements turn, and figures of the methods that live by that."""
    prices: dict[str, Any] = {}
    """AUC against tokens, for labelled formulas longer than T, of T symbols, and of T symbols at every placement."""
    controls: dict[str, Any] = {}
    """Figures of sandwiches from which something was withheld: what must fail, and what each part is worth."""
    trust: dict[str, Any] = {}
    """How often intervals hold, what abstaining buys, and what strangers to the zoo are told."""
    asking: dict[str, Any] = {}
    """What the probes ask, and what of the answers the readout uses."""
    costs: dict[str, Any] = {}
    """Seconds of training and tokens of a diagnosis, by method."""
    packages: dict[str, str]
    sha256: str
    """Of `sandwich.safetensors`."""

    @property
    def fingerprint(self) -> str:
        """Hash of the whole card, and so of the weights that it names: answers of equal fingerprints are equal."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
