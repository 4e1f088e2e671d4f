"""Names of the languages, and a task that is one of them."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class LanguageName(StrEnum):
    """Names of the built-in languages."""

    MAJORITY = "majority"
    PARITY = "parity"
    MODULO = "modulo"
    FIRST_LAST = "first_last"
    CONTAINS = "contains"
    SORTED = "sorted"
    LAST_OCCURRENCE = "last_occurrence"
    RECALL = "recall"
    COPY = "copy"
    PALINDROME = "palindrome"
    DYCK1 = "dyck1"
    DYCK2 = "dyck2"
    SUBSEQUENCE = "subsequence"
    ADJACENT = "adjacent"
    FIRST_OCCURRENCE = "first_occurrence"
    THRESHOLD = "threshold"
    EQUAL = "equal"


class LanguageTask(BaseModel):
    """Whether a string belongs to a language."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: LanguageName = Field(strict=False)
