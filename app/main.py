"""The ASGI app. `uvicorn app.main:app` or `probe-sandwich serve` runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from app.api.admission import Admission
from app.api.problems import install_handlers
from app.api.routes import CLASSIFY, router
from app.api.service import Service
from app.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service; meta-classifiers are loaded when it starts."""
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = Service.start(chosen)
        yield
        app.state.service.close()

    app = FastAPI(
        title="Probe Sandwich",
        description="Does a Transformer that was trained on short formulas still classify long ones?",
        version=version("probe-sandwich"),
        lifespan=lifespan,
    )
    app.include_router(router)
    install_handlers(app)
    app.add_middleware(
        Admission,
        path=CLASSIFY,
        max_body_bytes=chosen.max_upload_bytes,
        queue_size=chosen.queue_size,
        retry_after_seconds=chosen.retry_after_seconds,
    )
    return app


app = create_app()
