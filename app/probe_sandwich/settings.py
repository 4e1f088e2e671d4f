"""Every knob of the service, read from the environment as PROBE_SANDWICH_*."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    import torch

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED, _CLONED = _PACKAGE / "models", _PACKAGE.parents[1] / "models"
SHIPPED_MODELS = _INSTALLED if _INSTALLED.exists() else _CLONED
"""The wheel carries the served models within the package; in a clone they lie beside `app/`."""


class Settings(BaseSettings):
    """Configuration of the service."""

    model_config = SettingsConfigDict(env_prefix="PROBE_SANDWICH_", extra="ignore")

    models_dir: Path = Field(default=SHIPPED_MODELS, description="folder of the meta-classifiers")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: CUDA where there is one")
    workers: int = Field(default=0, ge=0, description="worker processes; 0: one a GPU, or one on the CPU")
    api_key: SecretStr | None = Field(default=None, description="wanted as `Authorization: Bearer` where it is set")
    max_upload_bytes: int = Field(default=256 * 2**20, ge=1, description="largest request body")
    max_files: int = Field(default=64, ge=1, description="most checkpoints in one request")
    queue_size: int = Field(default=8, ge=1, description="requests running or waiting before 429")
    retry_after_seconds: int = Field(default=2, ge=1, description="Retry-After of a 429 or 503")
    deadline_seconds: float = Field(default=120.0, gt=0, description="longest a job may run before it is stopped")
    worker_memory_bytes: int = Field(
        default=2**30,
        ge=2**26,
        description="most memory that jobs take of a worker on the CPU, over its own at the start",
    )
    max_job_flop: float | None = Field(
        default=None, gt=0, description="most floating-point operations of a job; unset: 4e12 on the CPU, 4e14 on a GPU"
    )
    cache_dir: Path = Field(
        default=Path(tempfile.gettempdir()) / "probe-sandwich-cache", description="answers by content; safe to delete"
    )
    cache_bytes: int = Field(default=64 * 2**20, ge=0, description="most that the cache keeps; 0: no cache")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    drain_seconds: int = Field(default=30, ge=0, description="time for running jobs to end after SIGTERM")

    def torch_device(self) -> "torch.device":
        """The device to run on. Raises `NoSuchDevice`."""
        return torch_device(self.device)

    def worker_devices(self) -> list[str]:
        """The device of each worker: GPUs take turns. Raises `NoSuchDevice`."""
        import torch  # noqa: PLC0415

        gpus = torch.cuda.device_count() if self.torch_device().type == "cuda" else 0
        count = self.workers or max(1, gpus)
        return [f"cuda:{number % gpus}" if gpus else "cpu" for number in range(count)]


class NoSuchDevice(ValueError):
    """CUDA was asked for where PyTorch sees none."""

    def __init__(self) -> None:
        super().__init__("device cuda was asked for, but PyTorch sees no GPU here; choose cpu, or auto for a service")


def torch_device(name: str) -> "torch.device":
    """The device of a name, `auto` being CUDA where there is one. Raises `NoSuchDevice`."""
    import torch  # noqa: PLC0415 - seconds that not every command needs

    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise NoSuchDevice
    return torch.device(("cuda" if there else "cpu") if name == "auto" else name)
