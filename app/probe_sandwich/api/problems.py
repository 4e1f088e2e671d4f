"""Errors as RFC 9457 `application/problem+json`: each cause has its type, its status and its plain words."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from probe_sandwich.answer import ProblemDocument

TYPE_PREFIX = "urn:probe-sandwich:problem:"
MEDIA_TYPE = "application/problem+json"


class Problem(HTTPException):
    """An error answer: a slug for `type`, a status, and what the user can do."""

    def __init__(self, slug: str, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        # What a file says of itself may be no Unicode, and no JSON then holds it.
        super().__init__(status, detail.encode(errors="backslashreplace").decode(), headers)
        self.slug = slug

    def document(self) -> ProblemDocument:
        """The problem document."""
        return ProblemDocument(
            type=TYPE_PREFIX + self.slug,
            title=HTTPStatus(self.status_code).phrase,
            status=self.status_code,
            detail=self.detail,
        )

    def response(self) -> JSONResponse:
        """The HTTP answer."""
        return JSONResponse(self.document().model_dump(), self.status_code, self.headers, media_type=MEDIA_TYPE)


def unexpected() -> Problem:
    """What to say of a failure that nobody foresaw."""
    return Problem("internal-error", 500, "the service failed on this request; its log says why")


def _in_plain_words(message: str) -> str:
    if "Expected UploadFile" in message:
        return "a file is wanted, and its name or other text came; with curl write `@` before the path, -F NAME=@PATH"
    return message


def install_handlers(app: FastAPI) -> None:
    """Bring every error of the app to one shape."""

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error, Problem):
            return error.response()
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        headers = dict(error.headers) if error.headers else None
        return Problem(slug, error.status_code, str(error.detail), headers).response()

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        details = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'][1:])}: {_in_plain_words(item['msg'])}"
            for item in error.errors()[:8]
        )
        return Problem("invalid-request", 422, details or "the request does not validate").response()

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> JSONResponse:
        return unexpected().response()
