"""What a user may choose about a diagnosis, with its bounds: the same for service, command line and library."""

from pydantic import BaseModel, ConfigDict, Field

DRAWS, NOISE_SEED = 2, 0


class Options(BaseModel):
    """What a user may choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=NOISE_SEED, ge=0, lt=2**32, description="of the noise draws")
    noise_draws: int = Field(default=DRAWS, ge=1, le=64, description="noise draws that a probability averages")
    formulas_per_length: int = Field(
        default=1000, ge=10, le=10_000, description="formulas in each length bucket of the direct test"
    )
    direct_test: bool = Field(default=True, description="whether to run the direct length test")
