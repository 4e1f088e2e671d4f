"""The ASGI app. `uvicorn probe_sandwich.main:app` or `probe-sandwich serve` runs it."""

import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from probe_sandwich.api import health, pages, results, routes
from probe_sandwich.api.admission import Admission
from probe_sandwich.api.connections import raise_file_limit
from probe_sandwich.api.logs import configure_logs
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.observation import Observation
from probe_sandwich.api.problems import install_handlers
from probe_sandwich.api.service import Service
from probe_sandwich.settings import Settings


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the process at once. While the workers start there is nothing to drain, and the server would look at
    the signal only after they have. The workers end with their parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, ours)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service; its workers start with it."""
    chosen = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logs(chosen.log_level)
        raise_file_limit()
        app.state.service = Service(chosen, metrics)
        app.state.admission.displace = app.state.service.supervisor.displace
        with ended_by_sigterm():
            await app.state.service.start()
        yield
        await app.state.service.close()

    app = FastAPI(
        title="Probe Sandwich",
        description="Does a Transformer that was trained on short formulas still classify long ones?",
        version=version("probe-sandwich"),
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load Swagger UI and ReDoc from elsewhere
        redoc_url=None,
        servers=[{"url": "."}],  # relative to the description, so that a proxy may put both anywhere
        root_path_in_servers=False,
        redirect_slashes=False,  # to an address that the Host header says
    )
    app.state.admission = Admission(chosen, metrics)
    for router in (routes.uploads, routes.router, results.router, health.router, pages.router):
        app.include_router(router)
    install_handlers(app)
    if chosen.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=chosen.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID", "Cache-Status", "Content-Location"],
        )
    app.add_middleware(Observation, metrics=metrics)
    return app


app = create_app()
