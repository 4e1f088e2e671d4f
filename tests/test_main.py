"""The app as a whole."""

import asyncio

import httpx
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings


def allowed_origin(settings: Settings, origin: str) -> str | None:
    """Whom a browser is told that it may show an answer to, where a page of that origin wants to ask."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            wanted = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
            return await http.options("/classify", headers=wanted | {"origin": origin})

    allowed: str | None = asyncio.run(asked()).headers.get("access-control-allow-origin")
    return allowed


def test_a_page_of_a_named_origin_may_ask_and_no_other() -> None:
    two = Settings.model_validate({"device": "cpu", "cors_origins": "https://one.example, https://two.example"})
    assert allowed_origin(two, "https://two.example") == "https://two.example"
    assert allowed_origin(two, "https://three.example") is None
    assert allowed_origin(Settings(device="cpu"), "https://one.example") is None, "by default nobody's"
