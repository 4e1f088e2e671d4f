"""The key that a service may want."""

import pytest
from probe_sandwich.api.key import check_key
from probe_sandwich.api.problems import Problem
from probe_sandwich.settings import Settings
from starlette.datastructures import Headers

KEY = "s3cret-ü"


def settings(key: str | None) -> Settings:
    return Settings.model_validate({"device": "cpu", "api_key": key})


def sent(authorization: str | bytes) -> Headers:
    """Headers as they come over the wire."""
    given = authorization if isinstance(authorization, bytes) else authorization.encode()
    return Headers(raw=[(b"authorization", given)])


@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"bearer   {KEY}\t"])
def test_the_key_is_taken_whatever_the_case_of_its_scheme_and_the_space_around_it(authorization: str) -> None:
    check_key(sent(authorization), settings(KEY))


def test_a_service_without_a_key_asks_for_none() -> None:
    check_key(Headers(), settings(None))


@pytest.mark.parametrize(
    "authorization", ["", KEY, "Bearer", "Bearer other", f"Bearer {KEY}x", f"Basic {KEY}", b"Bearer \xff\xfe"]
)
def test_anything_else_is_refused_with_the_way_to_send_it(authorization: str | bytes) -> None:
    with pytest.raises(Problem, match="send `Authorization: Bearer <key>`") as refused:
        check_key(sent(authorization), settings(KEY))
    assert (refused.value.slug, refused.value.status_code) == ("unauthorized", 401)
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
