"""The routes of the service."""

import asyncio
import json
import platform
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.sse import format_sse_event
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from probe_sandwich.answer import BatchResult, Diagnosis, ProblemDocument
from probe_sandwich.api.admission import UploadRoute
from probe_sandwich.api.bounds import client_of
from probe_sandwich.api.messages import LoadedMetaClassifier, Outcome, Stage, Subject
from probe_sandwich.api.problems import MEDIA_TYPE, TYPE_PREFIX, Problem
from probe_sandwich.api.reference import Example, Histogram, example_file, examples, histograms
from probe_sandwich.api.service import Answers, Service
from probe_sandwich.api.spool import path_of
from probe_sandwich.options import Options, with_option_parameters
from probe_sandwich.tasks.logic.tasks import TaskName

CLASSIFY, CLASSIFY_BATCH = "/classify", "/classify/batch"
EVENT_STREAM = "text/event-stream"
PACKAGES = ("probe-sandwich", "torch", "fastapi", "starlette", "safetensors")
PAGE, DOCS = Path(__file__).with_name("page"), Path(__file__).with_name("docs")
EXAMPLE = json.loads(Path(__file__).with_name("example_diagnosis.json").read_text())
# The page runs its own script and nothing else, and nobody may frame it.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Swagger UI writes styles into its elements.
DOCS_HEADERS = PAGE_HEADERS | {
    "Content-Security-Policy": PAGE_HEADERS["Content-Security-Policy"].replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )
}
_ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "chart.js": "text/javascript"}
_DOCS_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "start.js": "text/javascript"}

router = APIRouter()
uploads = APIRouter(route_class=UploadRoute)


class Health(BaseModel):
    """State of the service."""

    status: str = Field(
        description="`ready`; `starting` where no worker is ready; `no_meta_classifier` where every answer abstains"
    )
    reason: str = Field(description="why it is not ready, or nothing")
    device: str
    workers: int
    workers_ready: int
    key_required: bool
    meta_classifiers: list[LoadedMetaClassifier]
    versions: dict[str, str]


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class BatchAnswer(BaseModel):
    """One result a file, in their order."""

    results: list[BatchResult]


def service_of(request: Request) -> Service:
    """The service that the lifespan started."""
    service: Service = request.app.state.service
    return service


ServiceDependency = Annotated[Service, Depends(service_of)]


def _form_field(field: FieldInfo) -> object:
    return Annotated[field.annotation, *field.metadata, Form(description=field.description)]


def _same(options: Options) -> Options:
    return options


options_of = with_option_parameters(_same, _form_field)
OptionsDependency = Annotated[Options, Depends(options_of)]


def description_of(
    vocabulary: Annotated[
        str | None, Form(max_length=1 << 20, description="a foreign model's symbols in id order, as a JSON list")
    ] = None,
    train_max_length: Annotated[int | None, Form(description="its training length T, in symbols")] = None,
    task: Annotated[TaskName, Form(description="its task")] = TaskName.CONJUNCTION,
    begin: Annotated[str | None, Form(max_length=64, description="symbol before its every formula")] = None,
    end: Annotated[str | None, Form(max_length=64, description="symbol after its every formula")] = None,
    symbols: Annotated[
        str | None, Form(max_length=1 << 12, description="its names of formula symbols, as a JSON object")
    ] = None,
) -> str | None:
    """What the request says of a foreign model, as `subject.json` would; None where it says nothing."""
    if vocabulary is None and train_max_length is None:
        return None
    try:
        in_id_order, names = json.loads(vocabulary or "[]"), json.loads(symbols or "{}")
    except (ValueError, RecursionError) as error:
        raise Problem(
            "invalid-request",
            422,
            "give vocabulary as a JSON list of its symbols in id order, and symbols as a JSON object, such as "
            '{"~": "!"}',
        ) from error
    facts = {"vocabulary": in_id_order, "symbols": names, "task": {"name": task.value}, "begin": begin, "end": end}
    return json.dumps(facts | ({} if train_max_length is None else {"train_max_length": train_max_length}))


def _problem_answer(slug: str, status: int, description: str) -> dict[str, Any]:
    example = {"type": TYPE_PREFIX + slug, "title": description, "status": status, "detail": "what to do about it"}
    schema = ProblemDocument.model_json_schema()
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _problem_answer("malformed-file", 400, "The file or the request breaks its format"),
    401: _problem_answer("unauthorized", 401, "The service wants its API key"),
    408: _problem_answer("upload-too-slow", 408, "The upload came too slowly, or its client left"),
    413: _problem_answer("upload-too-large", 413, "The upload or the subject is too large"),
    415: _problem_answer("not-safetensors", 415, "The file is not of safetensors format"),
    422: _problem_answer("invalid-config", 422, "The file holds no usable subject, or a field does not validate"),
    429: _problem_answer("queue-full", 429, "The queue is full; Retry-After says when to come back"),
    503: _problem_answer(
        "worker-lost",
        503,
        "The worker ended during the job, or none starts (`not-ready`); Retry-After says when to come back",
    ),
}


@uploads.post(
    CLASSIFY,
    response_model=Diagnosis,
    responses={
        200: {
            "description": "The diagnosis; as an event stream with `Accept: text/event-stream`",
            "content": {
                "application/json": {"example": EXAMPLE},
                EVENT_STREAM: {
                    "schema": {"type": "string"},
                    "example": 'event: progress\ndata: {"stage":"sandwich","detail":""}\n\n'
                    "event: result\ndata: {…the diagnosis…}\n\n",
                },
            },
        },
        **_PROBLEMS,
    },
)
async def classify(
    request: Request,
    checkpoint: Annotated[
        UploadFile,
        File(description="a .safetensors checkpoint with its config; or a Hugging Face model, zipped; or its weights"),
    ],
    options: OptionsDependency,
    service: ServiceDependency,
    description: Annotated[str | None, Depends(description_of)],
    config: Annotated[UploadFile | None, File(description="config.json of a Hugging Face model")] = None,
) -> Response:
    """P(generalizer) of a checkpoint, beside its direct length test."""
    subject = Subject(
        checkpoint=path_of(checkpoint), config=None if config is None else path_of(config), description=description
    )
    if EVENT_STREAM in request.headers.get("accept", ""):
        events = service.events([subject], options, client_of(request.scope))
        return StreamingResponse(_encoded(events), media_type=EVENT_STREAM)
    answers = await _while_connected(request, service, [subject], options)
    outcome = answers.outcomes[0]
    if outcome.problem is not None:
        return _response_of(outcome.problem)
    headers = {"Cache-Status": f"probe-sandwich; {'hit' if answers.cached else 'fwd=miss'}"}
    return Response(outcome.diagnosis, media_type="application/json", headers=headers)


@uploads.post(
    CLASSIFY_BATCH,
    response_model=BatchAnswer,
    responses={
        200: {
            "description": "One result a file, in their order",
            "content": {
                "application/json": {
                    "example": {"results": [{"file": "one.safetensors", "diagnosis": EXAMPLE, "problem": None}]}
                }
            },
        },
        **_PROBLEMS,
    },
)
async def classify_batch(
    request: Request,
    checkpoints: Annotated[
        list[UploadFile], File(description="checkpoints; those of one shape and scheme run stacked")
    ],
    options: OptionsDependency,
    service: ServiceDependency,
) -> Response:
    """The same for many checkpoints at once; a bad file costs only its own result."""
    subjects = [Subject(checkpoint=path_of(upload)) for upload in checkpoints]
    answers = await _while_connected(request, service, subjects, options)
    results = [
        f'{{"file":{json.dumps(upload.filename or "")},"diagnosis":{outcome.diagnosis or "null"},'
        f'"problem":{outcome.problem.model_dump_json() if outcome.problem else "null"}}}'
        for upload, outcome in zip(checkpoints, answers.outcomes, strict=True)
    ]
    return Response(f'{{"results":[{",".join(results)}]}}', media_type="application/json")


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def health(service: ServiceDependency) -> Health:
    """What is loaded, and where it runs."""
    supervisor = service.supervisor
    status = "starting"
    if supervisor.ready:
        status = "ready" if supervisor.meta_classifiers else "no_meta_classifier"
    return Health(
        status=status,
        reason=supervisor.reason,
        device=supervisor.slots[0].device,
        workers=len(supervisor.slots),
        workers_ready=sum(slot.ready for slot in supervisor.slots),
        key_required=service.settings.api_key is not None,
        meta_classifiers=supervisor.meta_classifiers,
        versions={package: version(package) for package in PACKAGES} | {"python": platform.python_version()},
    )


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", responses={503: _problem_answer("not-alive", 503, "Nobody sees to the workers any more")})
async def live(service: ServiceDependency) -> Alive:
    """The process answers, and whatever is not ready is being seen to."""
    if not service.supervisor.alive:
        raise Problem("not-alive", 503, "nobody sees to the workers any more; restart the service")
    return Alive()


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", responses={503: _problem_answer("not-ready", 503, "No worker is ready, or no space")})
def ready(service: ServiceDependency) -> Alive:
    """Some worker has classified the built-in examples rightly since it started, and uploads can be kept."""
    problem = service.not_ready()
    if problem is not None:
        raise problem
    return Alive(status="ready")


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDependency) -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/examples")
async def list_examples(service: ServiceDependency) -> list[Example]:
    """Bundled checkpoints to try."""
    return examples(service.settings.models_dir)


@router.get("/examples/{name}.safetensors", response_class=FileResponse, responses={404: {}})
async def example(name: str, service: ServiceDependency) -> FileResponse:
    """A bundled checkpoint."""
    path = example_file(service.settings.models_dir, name)
    if path is None:
        raise Problem("not-found", 404, "there is no example of this name; GET /examples lists them")
    return FileResponse(path, media_type="application/octet-stream")


@router.get("/zoo")
async def zoo(service: ServiceDependency) -> list[Histogram]:
    """Where the zoo's converged subjects lie: out-of-fold probabilities by label."""
    return histograms(service.settings.models_dir)


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def page() -> FileResponse:
    """The page."""
    return FileResponse(PAGE / "index.html", media_type="text/html", headers=PAGE_HEADERS)


@router.api_route("/assets/{name}", methods=["GET", "HEAD"], include_in_schema=False)
async def asset(name: str) -> FileResponse:
    """The page's own files."""
    if name not in _ASSETS:
        raise Problem("not-found", 404, "there is no such asset")
    return FileResponse(PAGE / name, media_type=_ASSETS[name], headers=PAGE_HEADERS)


@router.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
async def docs() -> FileResponse:
    """The API's description, to be tried out; nothing of it comes from elsewhere."""
    return FileResponse(DOCS / "index.html", media_type="text/html", headers=DOCS_HEADERS)


@router.api_route("/docs/{name}", methods=["GET", "HEAD"], include_in_schema=False)
async def docs_asset(name: str) -> FileResponse:
    """Swagger UI's files."""
    if name not in _DOCS_ASSETS:
        raise Problem("not-found", 404, "there is no such asset")
    return FileResponse(DOCS / name, media_type=_DOCS_ASSETS[name], headers=DOCS_HEADERS)


async def _while_connected(
    request: Request, service: Service, subjects: Sequence[Subject], options: Options
) -> Answers:
    """Answers, unless the client leaves before: then the job is cancelled."""
    answering = asyncio.create_task(service.answer(subjects, options, client_of(request.scope)))
    leaving = asyncio.create_task(_until_gone(request))
    try:
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise Problem("client-gone", 408, "the client left before the answer")
        return answering.result()
    finally:
        answering.cancel()
        leaving.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _encoded(events: AsyncIterator[Stage | Answers]) -> AsyncIterator[bytes]:
    try:
        async for event in events:
            if isinstance(event, Stage):
                data = event.model_dump_json(exclude={"kind"})
                yield format_sse_event(event="progress", data_str=data)
            else:
                yield _last_event(event.outcomes[0])
    except Problem as problem:
        yield format_sse_event(event="problem", data_str=problem.document().model_dump_json())


def _last_event(outcome: Outcome) -> bytes:
    if outcome.problem is not None:
        return format_sse_event(event="problem", data_str=outcome.problem.model_dump_json())
    return format_sse_event(event="result", data_str=outcome.diagnosis)


def _response_of(problem: ProblemDocument) -> Response:
    return Response(problem.model_dump_json(), problem.status, media_type=MEDIA_TYPE)
