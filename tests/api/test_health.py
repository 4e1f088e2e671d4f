"""How the service says it does."""

import asyncio

import httpx
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings

from tests.api.raw import slug


def test_liveness_ends_with_the_keepers(fake: Settings) -> None:
    app = create_app(fake)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://x") as http,
        ):
            first = await http.get("/health/live")
            await app.state.service.supervisor.close()
            second = await http.get("/health/live")
            assert slug(second) == "not-alive"
            return [first.status_code, second.status_code]

    assert asyncio.run(ask()) == [200, 503]
