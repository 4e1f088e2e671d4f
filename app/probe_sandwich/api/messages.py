"""What the service and its worker processes say to each other, as JSON: nothing is pickled either way."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from probe_sandwich.answer import ProblemDocument
from probe_sandwich.options import Options


class GivenFiles(BaseModel):
    """Inputs of the user's own that came beside a subject, unread."""

    inputs: Path | None = None
    labelled: Path | None = None


class Subject(BaseModel):
    """One subject's files: a checkpoint or bundle, or weights with a foreign model's config and description; and
    unlabelled and labelled inputs of the user's own."""

    checkpoint: Path
    config: Path | None = None
    description: str | None = None
    given: GivenFiles = GivenFiles()


class Job(BaseModel):
    """Subjects to diagnose. One that is `brief` comes while another runs, and is sent back where it would be long."""

    kind: Literal["job"] = "job"
    number: int
    subjects: list[Subject]
    options: Options
    brief: bool = False


class Cancel(BaseModel):
    """Stop a job: nobody waits for it."""

    kind: Literal["cancel"] = "cancel"
    job: int


class Resume(BaseModel):
    """Go on with the job that was interrupted by brief ones."""

    kind: Literal["resume"] = "resume"


class LoadedMetaClassifier(BaseModel):
    """The meta-classifier that is ready to answer."""

    name: str
    version: int
    sha256: str
    """Of the weights."""
    card_sha256: str
    """Of the card, which names the weights by their hash and holds the threshold."""


class Started(BaseModel):
    """A worker has loaded everything. Without a meta-classifier every answer abstains."""

    kind: Literal["started"] = "started"
    meta_classifier: LoadedMetaClassifier | None


class Failed(BaseModel):
    """A worker cannot start: its meta-classifier is damaged."""

    kind: Literal["failed"] = "failed"
    detail: str


class Stage(BaseModel):
    """A job has reached a stage."""

    kind: Literal["stage"] = "stage"
    job: int = 0
    stage: str
    detail: str = ""
    answered: int = Field(default=0, description="how many files of a batch have their outcome")


class Outcome(BaseModel):
    """What came of one file: a diagnosis, as the JSON that users get, or a problem."""

    kind: Literal["outcome"] = "outcome"
    job: int = 0
    index: int
    diagnosis: str | None = None
    problem: ProblemDocument | None = None


class Done(BaseModel):
    """A job has ended: all its outcomes are sent; or it was `cancelled`; or it is `too_long` to be a brief one, and
    what was sent of it does not count."""

    kind: Literal["done"] = "done"
    job: int
    end: Literal["complete", "cancelled", "too_long"] = "complete"


ToWorker = Annotated[Job | Cancel | Resume, Field(discriminator="kind")]
FromWorker = Annotated[Started | Failed | Stage | Outcome | Done, Field(discriminator="kind")]
to_worker: TypeAdapter[Job | Cancel | Resume] = TypeAdapter(ToWorker)
from_worker: TypeAdapter[Started | Failed | Stage | Outcome | Done] = TypeAdapter(FromWorker)
