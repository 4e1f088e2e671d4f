"""The routes of the service."""

import json
import platform
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field

from app.api.problems import MEDIA_TYPE, problem_of
from app.api.service import Event, Service, Stage
from app.diagnosis import Diagnosis, Options
from app.formulas.tasks import TaskName

CLASSIFY = "/classify"
EVENT_STREAM = "text/event-stream"
PACKAGES = ("probe-sandwich", "torch", "fastapi", "safetensors")

router = APIRouter()


class LoadedMetaClassifier(BaseModel):
    """A meta-classifier that is ready to answer."""

    name: str
    task: TaskName
    version: int
    train_max_length: int


class Health(BaseModel):
    """State of the service."""

    status: str = Field(description="`ready`, or `no_meta_classifier` where every answer would abstain")
    device: str
    meta_classifiers: list[LoadedMetaClassifier]
    versions: dict[str, str]


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str


def service_of(request: Request) -> Service:
    """The service that the lifespan started."""
    service: Service = request.app.state.service
    return service


def options_of(
    seed: Annotated[int, Form(ge=0, lt=2**32, description="seed of the noise draws")] = Options().seed,
    noise_draws: Annotated[int, Form(ge=1, le=64)] = Options().noise_draws,
    formulas_per_length: Annotated[int, Form(ge=10, le=10_000)] = Options().formulas_per_length,
    direct_test: Annotated[bool, Form()] = Options().direct_test,
) -> Options:
    """The optional form fields."""
    return Options(
        seed=seed,
        noise_draws=noise_draws,
        formulas_per_length=formulas_per_length,
        direct_test=direct_test,
    )


def _problem_answer(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}}}


@router.post(
    CLASSIFY,
    response_model=Diagnosis,
    responses={
        200: {"description": "The diagnosis; as an event stream with `Accept: text/event-stream`"},
        400: _problem_answer("The file breaks the safetensors format"),
        413: _problem_answer("The upload or the subject is too large"),
        415: _problem_answer("The file is not of safetensors format"),
        422: _problem_answer("The file holds no usable subject, or a field does not validate"),
        429: _problem_answer("The queue is full; Retry-After says when to come back"),
    },
)
async def classify(
    request: Request,
    checkpoint: Annotated[UploadFile, File(description="a .safetensors checkpoint with its config")],
    options: Annotated[Options, Depends(options_of)],
    service: Annotated[Service, Depends(service_of)],
) -> Any:
    """P(generalizer) of a checkpoint, beside its direct length test."""
    if EVENT_STREAM not in request.headers.get("accept", ""):
        return await service.classify(checkpoint.file, options)
    return StreamingResponse(_encoded(service.events(checkpoint.file, options)), media_type=EVENT_STREAM)


@router.get("/health")
async def health(service: Annotated[Service, Depends(service_of)]) -> Health:
    """What is loaded, and where it runs."""
    cards = [meta.card for meta in service.meta_classifiers.values()]
    return Health(
        status="ready" if cards else "no_meta_classifier",
        device=str(service.device),
        meta_classifiers=[
            LoadedMetaClassifier(
                name=card.name,
                task=card.task.name,
                version=card.version,
                train_max_length=card.train_max_length,
            )
            for card in cards
        ],
        versions={package: version(package) for package in PACKAGES} | {"python": platform.python_version()},
    )


async def _encoded(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, Stage):
            yield format_sse_event(event="progress", data_str=json.dumps({"stage": event.name}))
        elif isinstance(event, Diagnosis):
            yield format_sse_event(event="result", data_str=event.model_dump_json())
        else:
            yield format_sse_event(event="problem", data_str=json.dumps(problem_of(event).body()))
