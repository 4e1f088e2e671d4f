"""How the service does: for people, for whoever restarts it, and for Prometheus."""

import platform
from importlib.metadata import version

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, Field

from probe_sandwich.api.documented import problem_answer
from probe_sandwich.api.messages import LoadedMetaClassifier
from probe_sandwich.api.problems import Problem
from probe_sandwich.api.service import ServiceDependency

PACKAGES = ("probe-sandwich", "torch", "fastapi", "starlette", "safetensors")

router = APIRouter()


class Health(BaseModel):
    """State of the service."""

    status: str = Field(
        description="`ready`; `starting` where no worker is ready; `no_meta_classifier` where every answer abstains"
    )
    reason: str = Field(description="why it is not ready, or nothing")
    device: str
    workers: int
    workers_ready: int
    key_required: bool
    meta_classifier: LoadedMetaClassifier | None
    versions: dict[str, str]


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def health(service: ServiceDependency) -> Health:
    """What is loaded, and where it runs."""
    supervisor = service.supervisor
    status = "starting"
    if supervisor.ready:
        status = "ready" if supervisor.meta_classifier else "no_meta_classifier"
    return Health(
        status=status,
        reason=supervisor.reason,
        device=supervisor.slots[0].device,
        workers=len(supervisor.slots),
        workers_ready=sum(slot.ready for slot in supervisor.slots),
        key_required=service.settings.api_key is not None,
        meta_classifier=supervisor.meta_classifier,
        versions={package: version(package) for package in PACKAGES} | {"python": platform.python_version()},
    )


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", responses={503: problem_answer("not-alive", 503, "Nobody sees to the workers any more")})
async def live(service: ServiceDependency) -> Alive:
    """The process answers, and whatever is not ready is being seen to."""
    if not service.supervisor.alive:
        raise Problem("not-alive", 503, "nobody sees to the workers any more; restart the service")
    return Alive()


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", responses={503: problem_answer("not-ready", 503, "No worker is ready, or no space")})
def ready(service: ServiceDependency) -> Alive:
    """Some worker has classified the built-in examples rightly since it started, and uploads can be kept."""
    problem = service.not_ready()
    if problem is not None:
        raise problem
    return Alive(status="ready")


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDependency) -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
