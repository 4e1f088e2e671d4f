"""The card of a meta-classifier: what it means, what it was made from, and how good it was measured to be."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from app.formulas.tasks import Task
from app.length_test import Definition
from app.sandwich.calibration import Calibration
from app.sandwich.config import SandwichConfig, SandwichTraining


class Card(BaseModel):
    """The JSON beside the weights."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: int = 1
    task: Task
    train_max_length: int
    definition: Definition
    threshold: float
    """A subject is called a generalizer from this probability on."""
    sandwich: SandwichConfig
    training: SandwichTraining
    calibrations: list[Calibration]
    support_limits: list[float]
    zoo: dict[str, Any]
    metrics: dict[str, Any]
    slices: dict[str, Any] = {}
    """The sandwich's figures among some of the subjects, or with labels at other cuts."""
    later: dict[str, Any] = {}
    """Figures on configurations built after the training: of the whole ensemble, and of baselines fitted on all
    subjects that the ensemble was made from."""
    packages: dict[str, str]
    sha256: str
    """Of `sandwich.safetensors`."""
