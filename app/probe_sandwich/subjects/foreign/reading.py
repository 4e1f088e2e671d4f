"""How somebody's module reads inputs, said by who knows it."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from probe_sandwich.subjects.foreign.errors import UnusableReading
from probe_sandwich.subjects.symbols import check_names, missing_symbols, own_ids
from probe_sandwich.tasks.task import BUILT_IN, MOST_SYMBOLS, AnyTask


class Reading(BaseModel):
    """Symbols, training length and classes of a module.

    Without a `task`, it is one of the user's own whose alphabet is the vocabulary less `pad`, `begin` and `end`; a
    built-in one may be given by its name. Raises `UnusableReading`, which names the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: tuple[str, ...] = Field(
        min_length=2, max_length=65_536, description="symbols in the order of their ids"
    )
    train_max_length: int = Field(ge=4, le=256, description="T: symbols of the longest training input, frame left out")
    pad: str | None = Field(default=None, description="symbol that fills up a batch")
    begin: str | None = Field(default=None, description="symbol before every input")
    end: str | None = Field(default=None, description="symbol after every input")
    task: AnyTask
    symbols: dict[str, str] = Field(default={}, description="its names of the task's symbols, where they differ")
    classes: int = Field(default=2, ge=2, le=256, description="answers that it chooses from")
    positions: bool = Field(default=True, description="whether it is told positions, in whatever way")

    if not TYPE_CHECKING:  # whoever reads types sees the fields

        def __init__(self, **facts: Any) -> None:
            try:
                super().__init__(**facts)
            except ValidationError as error:
                raise UnusableReading("; ".join(map(_in_plain_words, error.errors()))) from None

    @model_validator(mode="before")
    @classmethod
    def _with_task(cls, facts: Any) -> Any:
        if not isinstance(facts, dict) or "vocabulary" not in facts:
            return facts
        task = facts.get("task")
        if task is None:
            task = {"name": "own", "alphabet": _alphabet(facts)}
        elif isinstance(task, str):
            task = {"name": task}
        if isinstance(task, dict) and "alphabet" not in task and task.get("name") not in BUILT_IN:
            raise ValueError(
                f"task: {task.get('name')!r} is unknown; built-in ones are {', '.join(BUILT_IN)}, or give an alphabet: "
                'task={"name": ..., "alphabet": [...]}'
            )
        return facts | {"task": task}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise ValueError("vocabulary names a symbol twice")
        for symbol in self.special:
            if symbol not in self.vocabulary:
                raise ValueError(f"special symbol {symbol!r} is not in the vocabulary")
        missing = missing_symbols(self.task, self.vocabulary, self.symbols)
        if missing:
            raise ValueError(f"the vocabulary lacks {' '.join(missing)} of the task; name them in `symbols`")
        check_names(self.task, self.symbols, self.vocabulary, self.special)
        return self

    @property
    def special(self) -> tuple[str, ...]:
        """Symbols that are none of the task's."""
        return tuple(symbol for symbol in (self.begin, self.end, self.pad) if symbol is not None)

    @property
    def frame(self) -> int:
        """Symbols around an input."""
        return (self.begin is not None) + (self.end is not None)

    @property
    def end_id(self) -> int | None:
        """The module's id of the symbol after an input."""
        return None if self.end is None else self.vocabulary.index(self.end)

    @property
    def pad_id(self) -> int:
        """The module's id of what stands where nothing is seen."""
        return self.own_ids[0] if self.pad is None else self.vocabulary.index(self.pad)

    @property
    def own_ids(self) -> tuple[int, ...]:
        """The module's ids of the task's symbols, of the begin symbol (0 where there is none) and of the padding."""
        return own_ids(self.task, self.vocabulary, self.symbols, self.begin, self.pad)


def _alphabet(facts: dict[str, Any]) -> tuple[str, ...]:
    """The vocabulary less its special symbols, each once. Raises `ValueError` where it is no alphabet by its size."""
    special = {facts.get(name) for name in ("pad", "begin", "end")}
    alphabet = tuple(symbol for symbol in dict.fromkeys(facts["vocabulary"]) if symbol not in special)
    if not 2 <= len(alphabet) <= MOST_SYMBOLS:
        raise ValueError(
            f"vocabulary: it has {len(alphabet)} symbols beside pad, begin and end; without a task there must be 2 to "
            f"{MOST_SYMBOLS}"
        )
    return alphabet


def _in_plain_words(item: Any) -> str:
    """What pydantic says of a field, with the field's name."""
    message = item["msg"].removeprefix("Value error, ")
    place = ".".join(map(str, item["loc"]))
    return f"{place}: {message}" if place else message
