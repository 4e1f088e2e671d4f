"""What a foreign subject is, and how it was trained."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from probe_sandwich.subjects.config import Activation, Norm
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.task import AnyTask

BEGIN, END, PAD = "<bos>", "<eos>", "<pad>"
CLASSES = 2


class Family(StrEnum):
    """Architectures: PyTorch's own encoder, and five of Hugging Face's."""

    PLAIN = "plain"
    BERT = "bert"
    DISTILBERT = "distilbert"
    GPT2 = "gpt2"
    LLAMA = "llama"
    T5 = "t5"


class PositionSource(StrEnum):
    """Where positions come from; `own`: as the family has it."""

    NONE = "none"
    LEARNED = "learned"
    SINUSOIDAL = "sinusoidal"
    OWN = "own"


class ForeignPool(StrEnum):
    """How a sequence of vectors becomes one; `own`: as the family has it."""

    FIRST = "first"
    LAST = "last"
    MEAN = "mean"
    MAX = "max"
    OWN = "own"


class ForeignConfig(BaseModel):
    """Architecture and training length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: Family
    d_model: int = Field(ge=8, le=128)
    layers: int = Field(ge=1, le=8)
    heads: int = Field(ge=1, le=8)
    d_ff: int = Field(ge=8, le=512)
    table: PositionSource = PositionSource.OWN
    causal: bool
    pool: ForeignPool = ForeignPool.OWN
    norm: Norm
    activation: Activation
    begins: bool = Field(description="whether a special symbol stands before every formula")
    ends: bool = Field(description="whether a special symbol stands after every formula")
    train_max_length: int = Field(ge=4, le=64)
    task: AnyTask

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Its symbols in id order."""
        return (*alphabet_of(self.task), BEGIN, END, PAD)

    @property
    def max_positions(self) -> int:
        """Positions of its table, if it has one: formulas of four times T, framed."""
        return 4 * self.train_max_length + self.begins + self.ends


class ForeignTraining(BaseModel):
    """Training habits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(ge=1)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0, description="peak of the one-cycle schedule")
    weight_decay: float = Field(ge=0)
    dropout: float = Field(ge=0, lt=1)
    examples: int = Field(ge=2, description="distinct labelled inputs")
    short_first: bool = Field(description="whether the longest inputs wait until two fifths of the steps are done")
    stop_loss: float = Field(ge=0, description="running loss at which training stops before its steps are done")
    max_offset: int = Field(ge=0, description="largest random shift of the positions")
