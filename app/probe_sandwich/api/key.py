"""The key that a service may want."""

import hmac

from starlette.datastructures import Headers

from probe_sandwich.api.problems import Problem
from probe_sandwich.settings import Settings


def check_key(headers: Headers, settings: Settings) -> None:
    """Raises `Problem` where a service wants its API key and the headers do not have it."""
    if settings.api_key is None:
        return
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # A header's bytes come decoded as Latin-1, whatever they are.
    matches = hmac.compare_digest(given.strip(" \t").encode("latin-1"), settings.api_key.get_secret_value().encode())
    if scheme.lower() != "bearer" or not matches:
        raise Problem(
            "unauthorized",
            401,
            "this service wants its API key: send `Authorization: Bearer <key>`",
            {"WWW-Authenticate": "Bearer"},
        )
