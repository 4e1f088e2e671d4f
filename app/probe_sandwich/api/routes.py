"""The routes that classify, and what the page shows beside an answer."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, TypeAdapter
from starlette.types import Scope

from probe_sandwich.answer import BatchResult, Diagnosis, ProblemDocument
from probe_sandwich.api.admission import UploadRoute
from probe_sandwich.api.bounds import client_of
from probe_sandwich.api.documented import EVENT_STREAM, EXAMPLE, PROBLEMS
from probe_sandwich.api.forms import DescriptionDependency, GivenDependency, OptionsDependency
from probe_sandwich.api.messages import Stage, Subject
from probe_sandwich.api.observation import PROBLEM_STATUS
from probe_sandwich.api.problems import MEDIA_TYPE, Problem, unexpected
from probe_sandwich.api.ranges import RangedFile
from probe_sandwich.api.reference import Example, Histogram, example_file, examples, histograms
from probe_sandwich.api.results import address_of
from probe_sandwich.api.service import Answers, Service, ServiceDependency
from probe_sandwich.api.spool import path_of
from probe_sandwich.options import Options
from probe_sandwich.ranking import Ranked, rank

log = logging.getLogger("probe_sandwich.routes")
CLASSIFY, CLASSIFY_BATCH = "/classify", "/classify/batch"
_RANKING = TypeAdapter(list[Ranked])
router = APIRouter()
uploads = APIRouter(route_class=UploadRoute)


class BatchAnswer(BaseModel):
    """One result a file, in their order, and the ranking of those that can be ranked: one ranking a task and T
    after the other, in each the likeliest generalizer first."""

    results: list[BatchResult]
    ranking: list[Ranked]


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
                    "example": 'event: progress\ndata: {"stage":"sandwich","detail":"","answered":0}\n\n'
                    "event: result\ndata: {…the diagnosis…}\nid: results/…\n\n",
                },
            },
        },
        **PROBLEMS,
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
    description: DescriptionDependency,
    given: GivenDependency,
    config: Annotated[UploadFile | None, File(description="config.json of a Hugging Face model")] = None,
) -> Response:
    """P(generalizer) of a checkpoint, beside its direct length test."""
    if description is not None and config is None:
        raise Problem(
            "invalid-request",
            422,
            "config: vocabulary, train_max_length, task, alphabet, begin, end and symbols describe a foreign "
            "model's weights, so send its config.json too; our own checkpoints and zips describe themselves",
        )
    subject = Subject(
        checkpoint=path_of(checkpoint),
        config=None if config is None else path_of(config),
        description=description,
        given=given,
    )
    if EVENT_STREAM in request.headers.get("accept", ""):
        events = service.events([subject], options, client_of(request.scope))
        return StreamingResponse(_encoded(events, request.scope, _result_event), media_type=EVENT_STREAM)
    answers = await _while_connected(request, service, [subject], options)
    outcome = answers.outcomes[0]
    if outcome.problem is not None:
        return _response_of(outcome.problem)
    headers = {"Cache-Status": f"probe-sandwich; {'hit' if answers.cached else 'fwd=miss'}"}
    address = address_of(answers.kept[0])
    if address is not None:
        headers["Content-Location"] = address
    return Response(outcome.diagnosis, media_type="application/json", headers=headers)


@uploads.post(
    CLASSIFY_BATCH,
    response_model=BatchAnswer,
    responses={
        200: {
            "description": "One result a file, in their order, and their ranking; as an event stream with "
            "`Accept: text/event-stream`",
            "content": {
                "application/json": {
                    "example": {
                        "results": [
                            {"file": "one.safetensors", "diagnosis": EXAMPLE, "problem": None, "address": "results/…"}
                        ],
                        "ranking": [one.model_dump(mode="json") for one in rank([Diagnosis.model_validate(EXAMPLE)])],
                    }
                }
            },
        },
        **PROBLEMS,
    },
)
async def classify_batch(
    request: Request,
    checkpoints: Annotated[
        list[UploadFile], File(description="checkpoints; those of one shape and scheme run stacked")
    ],
    options: OptionsDependency,
    service: ServiceDependency,
    given: GivenDependency,
) -> Response:
    """The same for many checkpoints at once, and which of them to choose; a bad file costs only its own result."""
    subjects = [Subject(checkpoint=path_of(upload), given=given) for upload in checkpoints]
    names = [upload.filename or "" for upload in checkpoints]
    if EVENT_STREAM in request.headers.get("accept", ""):

        async def ending(answers: Answers, scope: Scope) -> bytes:
            return format_sse_event(event="result", data_str=await _batch_answer(names, answers))

        events = service.events(subjects, options, client_of(request.scope))
        return StreamingResponse(_encoded(events, request.scope, ending), media_type=EVENT_STREAM)
    answers = await _while_connected(request, service, subjects, options)
    return Response(await _batch_answer(names, answers), media_type="application/json")


@router.head("/examples", include_in_schema=False)
@router.get("/examples")
async def list_examples(service: ServiceDependency) -> list[Example]:
    """Bundled checkpoints to try."""
    return examples(service.settings.examples)


@router.head("/examples/{name}.safetensors", include_in_schema=False)
@router.get("/examples/{name}.safetensors", response_class=RangedFile, responses={404: {}})
async def example(name: str, service: ServiceDependency) -> RangedFile:
    """A bundled checkpoint."""
    path = example_file(service.settings.examples, name)
    if path is None:
        raise Problem("not-found", 404, "there is no example of this name; GET /examples lists them")
    return RangedFile(path, media_type="application/octet-stream")


@router.head("/zoo", include_in_schema=False)
@router.get("/zoo")
async def zoo(service: ServiceDependency) -> list[Histogram]:
    """Where the zoo's converged subjects lie: out-of-fold probabilities by label."""
    return histograms(service.settings.model)


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


async def _batch_answer(names: Sequence[str], answers: Answers) -> str:
    """As JSON, of files of these names."""
    results = [
        f'{{"file":{json.dumps(name)},"diagnosis":{outcome.diagnosis or "null"},'
        f'"problem":{outcome.problem.model_dump_json() if outcome.problem else "null"},'
        f'"address":{json.dumps(address_of(kept))}}}'
        for name, outcome, kept in zip(names, answers.outcomes, answers.kept, strict=True)
    ]
    ranking = await asyncio.to_thread(_ranking, [outcome.diagnosis for outcome in answers.outcomes])
    return f'{{"results":[{",".join(results)}],"ranking":{ranking}}}'


def _ranking(diagnoses: Sequence[str | None]) -> str:
    """As JSON, of diagnoses as JSON."""
    found = rank([None if text is None else Diagnosis.model_validate_json(text) for text in diagnoses])
    return _RANKING.dump_json(found).decode()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _encoded(
    events: AsyncIterator[Stage | Answers], scope: Scope, ending: Callable[[Answers, Scope], Awaitable[bytes]]
) -> AsyncIterator[bytes]:
    """The events as they are sent, the last one by `ending`; the status of a problem among them is left in the
    request's scope."""
    try:
        async for event in events:
            if isinstance(event, Stage):
                data = event.model_dump_json(exclude={"kind", "job"})
                yield format_sse_event(event="progress", data_str=data)
            else:
                yield await ending(event, scope)
    except Problem as problem:
        yield _problem_event(problem.document(), scope)
    except Exception:  # the status is sent: only an event can still say that there is no answer
        log.exception("an event stream failed")
        yield _problem_event(unexpected().document(), scope)


async def _result_event(answers: Answers, scope: Scope) -> bytes:
    """How the stream of one file ends."""
    outcome = answers.outcomes[0]
    if outcome.problem is not None:
        return _problem_event(outcome.problem, scope)
    return format_sse_event(event="result", data_str=outcome.diagnosis, id=address_of(answers.kept[0]))


def _problem_event(problem: ProblemDocument, scope: Scope) -> bytes:
    scope[PROBLEM_STATUS] = problem.status
    return format_sse_event(event="problem", data_str=problem.model_dump_json())


def _response_of(problem: ProblemDocument) -> Response:
    return Response(problem.model_dump_json(), problem.status, media_type=MEDIA_TYPE)
