"""Answers that are kept, each at an address of its own: as JSON, as a picture, and on the page.

The address is the cache's key: a hash over the uploaded bytes, inputs and options, the device and the meta-classifiers.
Whoever has it had the same upload or was told; nobody can list them, and a service with a key wants it here too.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from probe_sandwich.answer import Diagnosis
from probe_sandwich.api.card_image import card_image
from probe_sandwich.api.documented import EXAMPLE, problem_answer
from probe_sandwich.api.key import check_key
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.service import ServiceDependency

_HTML, _PAGE = "text/html", "../#results/"
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "private, no-cache"}
_IMAGE_HEADERS = _HEADERS | {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: problem_answer("unauthorized", 401, "The service wants its API key"),
    404: problem_answer("not-found", 404, "Nothing is kept at this address, or not any longer"),
}
_NOT_KEPT = "nothing is kept at this address, or not any longer: send the checkpoint again"
_KEY = re.compile(r"[0-9a-f]{64}")
router = APIRouter()


def address_of(key: str | None) -> str | None:
    """The address of what the cache has under a key, relative to the service."""
    return None if key is None else f"results/{key}"


async def _key(key: str) -> str:
    """A key as the cache has them. Raises `Problem`."""
    if not _KEY.fullmatch(key):
        raise Problem("not-found", 404, _NOT_KEPT)
    return key


Key = Annotated[str, Depends(_key)]


async def _kept(request: Request, key: Key, service: ServiceDependency) -> str:
    """A kept answer. Raises `Problem`."""
    check_key(request.headers, service.settings)
    answer = service.cache.get(key)
    if answer is None:
        raise Problem("not-found", 404, _NOT_KEPT)
    return answer


Kept = Annotated[str, Depends(_kept)]


@router.head("/results/{key}/card.svg", include_in_schema=False)
@router.get(
    "/results/{key}/card.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}, **_PROBLEMS},
)
async def card(kept: Kept) -> Response:
    """A kept answer as a picture."""
    image = card_image(Diagnosis.model_validate_json(kept))
    return Response(image, media_type="image/svg+xml", headers=_IMAGE_HEADERS)


@router.head("/results/{key}", include_in_schema=False)
@router.get(
    "/results/{key}",
    response_model=Diagnosis,
    responses={
        200: {"content": {"application/json": {"example": EXAMPLE}}},
        303: {"description": "With `Accept: text/html`: the page, which shows it"},
        **_PROBLEMS,
    },
)
async def result(request: Request, key: Key, service: ServiceDependency) -> Response:
    """An answer that was given before, while it is kept."""
    headers = _HEADERS | {"Vary": "Accept"}
    if _wants_page(request.headers.get("accept", "")):  # a browser, which has no API key to send yet
        return RedirectResponse(_PAGE + key, 303, headers)
    return Response(await _kept(request, key, service), media_type="application/json", headers=headers)


def _wants_page(accept: str) -> bool:
    """Whether HTML is named, and no less wanted than JSON."""
    quality: dict[str, float] = {}
    for one in accept.lower().split(","):
        name, *parameters = (part.strip() for part in one.split(";"))
        told = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        quality[name] = float(told) if re.fullmatch(r"[01](\.\d{0,3})?", told) else 0.0
    return quality.get(_HTML, 0.0) > 0 and quality[_HTML] >= quality.get("application/json", 0.0)
