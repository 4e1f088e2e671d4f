"""The ASGI app. `uvicorn probe_sandwich.main:app` or `probe-sandwich serve` runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from probe_sandwich.api.admission import Admission
from probe_sandwich.api.logs import configure_logs
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.observation import Observation
from probe_sandwich.api.problems import install_handlers
from probe_sandwich.api.routes import CLASSIFY, CLASSIFY_BATCH, router
from probe_sandwich.api.service import Service
from probe_sandwich.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service; its workers start with it."""
    chosen = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logs(chosen.log_level)
        app.state.service = Service(chosen, metrics)
        await app.state.service.start()
        yield
        await app.state.service.close()

    app = FastAPI(
        title="Probe Sandwich",
        description="Does a Transformer that was trained on short formulas still classify long ones?",
        version=version("probe-sandwich"),
        lifespan=lifespan,
    )
    app.include_router(router)
    install_handlers(app)
    app.add_middleware(Admission, paths={CLASSIFY, CLASSIFY_BATCH}, settings=chosen, metrics=metrics)
    app.add_middleware(Observation, metrics=metrics)
    return app


app = create_app()
