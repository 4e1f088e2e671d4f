"""The composition for subjects of any task, alphabet and length: selector, frozen subjects, readout."""

from torch import Tensor, nn

from probe_sandwich.sandwich.config import SandwichConfig
from probe_sandwich.sandwich.inputs import Candidates
from probe_sandwich.sandwich.prober import Prober
from probe_sandwich.sandwich.readout import Readout, ReadoutOutput
from probe_sandwich.subjects.subject import Subjects


class UniversalSandwich(nn.Module):
    """Noise -> hidden layers -> frozen Transformers -> hidden layers -> logits, all of it differentiable.

    The module owns the parameters of prober and readout and nothing else: a subject comes in as an argument and is no
    part of it, so no optimizer of the sandwich can reach it.
    """

    def __init__(self, config: SandwichConfig) -> None:
        super().__init__()
        self.config = config
        self.prober = Prober(config)
        self.readout = Readout(config)

    def forward(self, subjects: Subjects, noise: Tensor, candidates: Candidates | None = None) -> ReadoutOutput:
        """What the readout says of each subject, from noise `(draws, probes, noise_dim)`, asked about `candidates`: by
        default inputs drawn from the task."""
        output: ReadoutOutput = self.readout(self.prober.answers(subjects, noise, candidates))
        return output
