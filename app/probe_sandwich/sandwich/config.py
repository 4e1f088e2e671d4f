"""Settings of a sandwich and of its training, as they stand in its card."""

from pydantic import BaseModel, ConfigDict, Field

from probe_sandwich.sandwich.placements import Kind, Placement


class SandwichConfig(BaseModel):
    """Architecture of selector and readout."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    probes: int = Field(default=64, ge=1)
    noise_dim: int = Field(default=64, ge=1)
    generator_hidden: int = Field(default=256, ge=1)
    candidate_features: int = Field(
        default=0,
        ge=0,
        description="learned features of a candidate's structure, by which noise selects; 0 where none are learned",
        # Cards that were written before there was this field stay as they are.
        exclude_if=lambda features: features == 0,
    )
    temperature: float = Field(default=0.5, gt=0, description="of the choice among candidates")
    placements: tuple[Placement, ...] = Field(
        default=(
            Placement(kind=Kind.SHIFTED, reach=1.5),
            Placement(kind=Kind.SHIFTED, reach=2),
            Placement(kind=Kind.PARTED, reach=1.5),
            Placement(kind=Kind.PARTED, reach=2),
            Placement(kind=Kind.SPREAD, reach=2),
        ),
        description="where each probe is placed, beside its usual place",
    )
    placement_seed: int = 0
    edits: int = Field(
        default=0,
        ge=0,
        description="parts of a probe in each of which one symbol is exchanged, each edit asked at the usual places",
        # Cards that were written before there was this field stay as they are.
        exclude_if=lambda edits: edits == 0,
    )
    quantiles: int = Field(default=5, ge=2, description="quantiles over the probes for each response")
    readout_hidden: int = Field(default=32, ge=1)
    heads: int = Field(default=5, ge=2, description="heads of the readout, each blind to its own part of the subjects")
    dropout: float = Field(default=0.3, ge=0, lt=1)
    trees: int = Field(default=40, ge=1, description="trees of each head")
    leaves: int = Field(default=128, ge=2, description="leaves of a tree, at most")

    @property
    def variants(self) -> int:
        """How often each probe is asked: at the usual places, at every placement, and with every edit."""
        return 1 + len(self.placements) + self.edits


class SandwichTraining(BaseModel):
    """How a sandwich is trained: the readout alone on recorded answers of the frozen subjects, then both together
    through the subjects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    selector_steps: int = Field(
        default=0,
        ge=0,
        description="in which a selector is taught what to ask",
        exclude_if=lambda steps: steps == 0,
    )
    selector_probes: int = Field(
        default=8, ge=1, description="probes of a set while it is taught", exclude_if=lambda probes: probes == 8
    )
    fitting_draws: int = Field(default=4, ge=1, description="noise draws that the readout is first fitted on")
    readout_epochs: int = Field(default=60, ge=0, description="of the readout alone")
    readout_rate: float = Field(default=1e-3, gt=0)
    patience: int = Field(default=15, ge=1, description="epochs of the readout alone without a better held-out loss")
    epochs: int = Field(default=3, ge=0, description="of selector and readout, through the subjects")
    generator_rate: float = Field(default=1e-4, ge=0)
    joint_readout_rate: float = Field(default=2e-4, ge=0)
    subjects_per_step: int = Field(default=32, ge=1)
    weight_decay: float = Field(default=0.5, ge=0)
    long_accuracy_weight: float = Field(default=0.8, ge=0, le=1, description="share of the soft target in the loss")
    folds: int = Field(default=5, ge=2)
    seed: int = 0
