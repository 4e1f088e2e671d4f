"""Errors as problem documents."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from probe_sandwich.api.problems import MEDIA_TYPE, TYPE_PREFIX, Problem, install_handlers

from tests.api.raw import slug


def answer(path: str, error: Exception | None = None) -> httpx.Response:
    """What a client gets of `/fails`, which raises the error, or of `/counts`, which wants a number."""
    app = FastAPI()
    install_handlers(app)

    @app.get("/fails")
    def fails() -> None:
        assert error is not None
        raise error

    @app.get("/counts")
    def counts(number: int) -> int:
        return number

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            return await http.get(path)

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("path", "error", "status", "kind"),
    [
        ("/fails", Problem("queue-full", 429, "come back"), 429, "queue-full"),
        ("/fails", ZeroDivisionError("secret"), 500, "internal-error"),
        ("/counts?number=many", None, 422, "invalid-request"),
        ("/nowhere", None, 404, "not-found"),
    ],
)
def test_every_error_is_a_problem_of_its_kind(path: str, error: Exception | None, status: int, kind: str) -> None:
    response = answer(path, error)
    assert (response.status_code, slug(response)) == (status, kind)
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["type"] == TYPE_PREFIX + kind
    assert "secret" not in response.text


def test_a_problem_keeps_its_headers() -> None:
    response = answer("/fails", Problem("queue-full", 429, "come back", {"Retry-After": "7"}))
    assert (response.headers["retry-after"], response.json()["detail"]) == ("7", "come back")


def test_what_a_file_says_of_itself_may_be_no_unicode() -> None:
    problem = Problem("invalid-config", 422, "the config names \ud800")
    assert problem.document().detail == "the config names \\ud800"
    assert problem.response().body


def test_a_path_without_curls_at_sign_is_told_of_it(faked: httpx.Client) -> None:
    refused = faked.post("/classify", files={"checkpoint": (None, "model.safetensors")})
    assert refused.status_code == 422
    assert "with curl write `@` before the path" in refused.json()["detail"]
