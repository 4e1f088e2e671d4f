"""What a checkpoint says about its subject, validated strictly: a config is an upload."""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.symbols import check_names, missing_symbols, own_ids, untested_symbols
from probe_sandwich.tasks.alphabets import alphabet_of
from probe_sandwich.tasks.logic.tasks import Task
from probe_sandwich.tasks.logic.vocabulary import BEGIN, PAD, VOCABULARY
from probe_sandwich.tasks.task import AnyTask, OwnTask


class Scheme(StrEnum):
    """Position schemes."""

    NONE = "none"
    LEARNED = "learned"
    SINUSOIDAL = "sinusoidal"
    ROTARY = "rotary"
    ALIBI = "alibi"


class Placing(StrEnum):
    """Whether a probe's symbols can be placed in a subject: where its architecture takes positions, where it counts
    them itself and does not see masked fillers, where it has none and every place is alike, and where it has some but
    takes none."""

    BY_POSITION = "by position"
    BY_FILLERS = "by masked fillers"
    NEEDLESS = "needless"
    IMPOSSIBLE = "impossible"


class Pooling(StrEnum):
    """How a sequence of vectors becomes one."""

    FIRST = "first"
    LAST = "last"
    MEAN = "mean"
    MAX = "max"


class Norm(StrEnum):
    """Where layer normalization stands: before each sublayer, or after its residual sum."""

    PRE = "pre"
    POST = "post"


class Activation(StrEnum):
    """Non-linearity of the feed-forward sublayer."""

    RELU = "relu"
    GELU = "gelu"


class SubjectConfig(BaseModel):
    """Architecture and training length of a subject."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    architecture: Literal["probe-sandwich-transformer"] = "probe-sandwich-transformer"
    version: Literal[1] = 1
    vocabulary: tuple[str, ...] = Field(default=VOCABULARY, min_length=1, max_length=256, strict=False)
    begin_symbol: str = Field(default=BEGIN, max_length=16)
    pad_symbol: str = Field(default=PAD, max_length=16)
    d_model: int = Field(ge=2, le=1024)
    layers: int = Field(ge=1, le=24)
    heads: int = Field(ge=1, le=64)
    d_ff: int = Field(ge=1, le=4096)
    scheme: Scheme = Field(strict=False)
    max_positions: int = Field(
        default=65, ge=1, le=4096, description="rows of the position table (learned scheme), begin symbol included"
    )
    position_base: float = Field(default=10_000.0, gt=1, le=1e8, description="sinusoidal and rotary wavelength base")
    causal: bool
    pooling: Pooling = Field(strict=False)
    norm: Norm = Field(strict=False)
    activation: Activation = Field(default=Activation.GELU, strict=False)
    train_max_length: int = Field(ge=4, le=256, description="T: symbols of the longest training formula")
    task: AnyTask = Task()
    symbols: dict[str, str] = Field(
        default={}, max_length=256, description="its names of the task's symbols, where they differ from ours"
    )
    classes: int = Field(
        default=2,
        ge=2,
        le=256,
        # Files that were written before there was this field stay as they are.
        exclude_if=lambda classes: classes == 2,
        description="answers that it chooses from; of the built-in tasks class 1 is satisfiable, or in the language",
    )

    @model_serializer(mode="wrap")
    def _without_empty_names(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Files that were written before there were names stay the same bit for bit.
        facts: dict[str, Any] = serialize(self)
        return facts if self.symbols else {name: fact for name, fact in facts.items() if name != "symbols"}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.d_model % (2 * self.heads):
            raise ValueError("d_model must be a multiple of twice the number of heads")
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise ValueError("vocabulary names a symbol twice")
        for symbol in (self.begin_symbol, self.pad_symbol):
            if symbol not in self.vocabulary:
                raise ValueError(f"special symbol {symbol!r} is not in the vocabulary")
        check_names(self.task, self.symbols, self.vocabulary, (self.begin_symbol, self.pad_symbol))
        if self.classes > 2 and not isinstance(self.task, OwnTask):
            raise ValueError(f"task {self.task.name} has two classes")
        if self.pooling is Pooling.FIRST and self.causal:
            raise ValueError("pooling first needs causal false: the begin symbol of a causal subject sees itself alone")
        if self.scheme is Scheme.LEARNED and self.max_positions < self.train_max_length + 1:
            raise ValueError("max_positions must be at least train_max_length + 1")
        return self

    @property
    def placing(self) -> Placing:
        """How a probe's symbols are placed."""
        return Placing.NEEDLESS if self.scheme is Scheme.NONE else Placing.BY_POSITION

    @property
    def shape(self) -> "Shape":
        """What must agree for subjects to run in one stack."""
        return (
            len(self.vocabulary),
            self.d_model,
            self.layers,
            self.heads,
            self.d_ff,
            self.norm.value,
            self.activation.value,
            alphabet_of(self.task),
            self.classes,
        )

    @property
    def size(self) -> Size:
        """What it costs to run."""
        d, inner = self.d_model, self.d_ff
        parameters = self.layers * (4 * d * d + 2 * d * inner)
        return Size(parameters, self.layers, self.heads, d, inner)

    @property
    def own_ids(self) -> tuple[int, ...]:
        """This subject's ids of the task's symbols, of the begin symbol and of the padding, in that order."""
        return own_ids(self.task, self.vocabulary, self.symbols, self.begin_symbol, self.pad_symbol)

    @property
    def missing_symbols(self) -> list[str]:
        """Symbols that the task needs and the vocabulary lacks."""
        return missing_symbols(self.task, self.vocabulary, self.symbols)

    @property
    def untested_symbols(self) -> tuple[str, ...]:
        """Symbols of the vocabulary that no input here holds."""
        return untested_symbols(self.task, self.vocabulary, self.symbols, (self.begin_symbol, self.pad_symbol))

    @property
    def longest_formula(self) -> int | None:
        """Symbols of the longest formula that the position table holds; None where there is no end."""
        return self.max_positions - 1 if self.scheme is Scheme.LEARNED else None


Shape = tuple[int, int, int, int, int, str, str, tuple[str, ...], int]
