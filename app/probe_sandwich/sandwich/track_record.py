"""How good a meta-classifier was measured to be, in one row: all that an answer carries of its evidence."""

from pydantic import BaseModel, ConfigDict, Field


class TrackRecord(BaseModel):
    """Figures over the converged subjects of the zoo, each judged by a sandwich that saw none of its configuration;
    null where a figure is not defined, of subjects with one label only, say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: int
    positives: int = Field(description="how many of the subjects are generalizers")
    auc: float | None
    auc_low: float | None = Field(description="of a 95 % interval over configurations")
    auc_high: float | None
    within_configuration_auc: float | None = Field(
        description="share of pairs of one configuration, only one of them a generalizer, that are ordered rightly"
    )
    brier: float | None
    expected_calibration_error: float | None
    accuracy: float | None = Field(description="share of right verdicts at the threshold")
