"""A task as a config names it: a built-in one, or the user's own."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from probe_sandwich.tasks.languages.names import LanguageName, LanguageTask
from probe_sandwich.tasks.logic.tasks import Task as LogicTask
from probe_sandwich.tasks.logic.tasks import TaskName as LogicName

BUILT_IN = (*(name.value for name in LogicName), *(name.value for name in LanguageName))
MOST_SYMBOLS = 254
"""Of an alphabet of the user's own."""


class OwnTask(BaseModel):
    """A task of the user's own: its name and its alphabet. What it asks is known from inputs that come beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    alphabet: tuple[Annotated[str, Field(min_length=1, max_length=16)], ...] = Field(
        min_length=2,
        max_length=MOST_SYMBOLS,
        strict=False,
        description="the symbols of an input, special ones left out",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.alphabet)) != len(self.alphabet):
            raise ValueError("alphabet names a symbol twice")
        return self


def _kind(value: Any) -> str:
    name = value.get("name", LogicName.CONJUNCTION) if isinstance(value, dict) else getattr(value, "name", None)
    if not isinstance(name, str):  # no name: what it should be is said by what validates it
        return "own"
    if name in set(LogicName):
        return "logic"
    return "language" if name in set(LanguageName) else "own"


AnyTask = Annotated[
    Annotated[LogicTask, Tag("logic")] | Annotated[LanguageTask, Tag("language")] | Annotated[OwnTask, Tag("own")],
    Discriminator(_kind),
]
"""What `SubjectConfig.task` may be; the name decides which."""
