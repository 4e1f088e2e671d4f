"""All figures about a meta-classifier, as they stand beside its card."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from probe_sandwich.answer import TrackRecord
from probe_sandwich.evidence.experiment.methods import SANDWICH
from probe_sandwich.evidence.figures.metrics import Figures
from probe_sandwich.evidence.figures.price import Prices
from probe_sandwich.evidence.figures.probes import ProbeFigures
from probe_sandwich.evidence.figures.schemes import SchemeFigures
from probe_sandwich.evidence.figures.trust import Trust
from probe_sandwich.files import write_atomically

EVIDENCE = "evidence.json"


class Costs(BaseModel):
    """By method: tokens that one answer runs through the subject, and seconds that training took over all folds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: dict[str, int]
    training_seconds: dict[str, float]


class Evidence(BaseModel):
    """Figures of the sandwich and of all that it is compared with, by method where nothing else is said.

    A sandwich that was trained alone has the first table, with its own row, and `costs`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out_of_fold: dict[str, Figures]
    """Of the subjects that the ensemble was made from, each judged by what saw none of its configuration."""
    slices: dict[str, Figures] = {}
    """The sandwich's figures among some of the subjects, or with labels at other cuts."""
    reserve: dict[str, Figures] = {}
    """Of the whole ensemble, and of baselines fitted on all subjects that it was made from, on configurations that were
    left out of the training."""
    later: dict[str, Figures] = {}
    """The same on configurations that joined the zoo after the training."""
    unseen: dict[str, Figures] = {}
    """The same on both together: the configurations that nothing was chosen on."""
    schemes: dict[str, SchemeFigures] = {}
    """By position scheme."""
    prices: Prices = Prices()
    controls: dict[str, Figures] = {}
    """Of sandwiches from which something was withheld: what must fail, and what each part is worth."""
    trust: Trust | None = None
    probes: ProbeFigures | None = None
    costs: Costs

    @property
    def track_record(self) -> TrackRecord:
        """The row that the card carries."""
        sandwich = self.out_of_fold[SANDWICH].model_dump()
        return TrackRecord.model_validate({name: sandwich[name] for name in TrackRecord.model_fields})


class NoEvidence(ValueError):
    """A meta-classifier's folder holds no figures."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no {EVIDENCE}; fetch it again, or train anew with `probe-sandwich train`")


def read_evidence(folder: Path) -> Evidence:
    """The figures of a meta-classifier's folder. Raises `NoEvidence`."""
    if not (folder / EVIDENCE).is_file():
        raise NoEvidence(folder)
    return Evidence.model_validate_json((folder / EVIDENCE).read_text())


def write_evidence(folder: Path, evidence: Evidence) -> None:
    """Write the figures beside the card."""
    write_atomically(folder / EVIDENCE, (evidence.model_dump_json(indent=2) + "\n").encode())
