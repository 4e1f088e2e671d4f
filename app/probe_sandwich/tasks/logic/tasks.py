"""The three families of formulas and their parameters."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from probe_sandwich.tasks.logic.vocabulary import VARIABLES


class TaskName(StrEnum):
    """Names of the task families."""

    CONJUNCTION = "conjunction"
    CNF = "cnf"
    FORMULA = "formula"


class Task(BaseModel):
    """A family of formulas with its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: TaskName = Field(default=TaskName.CONJUNCTION, strict=False)
    variables: int = Field(default=5, ge=2, le=len(VARIABLES))
    max_clause: int = Field(default=3, ge=1, le=3, description="literals in a clause, task cnf only")
    max_depth: int | None = Field(
        default=None,
        ge=1,
        le=4,
        description="parentheses within each other, task formula only; None: as the length has it",
        # What was written before there was this field stays as it is.
        exclude_if=lambda depth: depth is None,
    )
