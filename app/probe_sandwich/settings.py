"""Every knob of the service, read from the environment as PROBE_SANDWICH_*."""

import os
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED, _CLONED = _PACKAGE / "models", _PACKAGE.parents[1] / "models"
SHIPPED_MODELS = _INSTALLED if _INSTALLED.exists() else _CLONED
"""The wheel carries the served models within the package; in a clone they lie beside `app/`."""


def user_cache() -> Path:
    """The folder for answers in this user's own cache, where the XDG convention puts it."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "probe-sandwich"


class Settings(BaseSettings):
    """Configuration of the service."""

    model_config = SettingsConfigDict(env_prefix="PROBE_SANDWICH_", env_ignore_empty=True, extra="ignore")

    models_dir: Path = Field(default=SHIPPED_MODELS, description="folder of the meta-classifiers")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: CUDA where there is one")
    workers: int = Field(default=0, ge=0, description="worker processes; 0: one a GPU, or one on the CPU")
    api_key: SecretStr | None = Field(default=None, description="wanted as `Authorization: Bearer` where it is set")
    max_upload_bytes: int = Field(default=256 * 2**20, ge=1, description="largest request body")
    max_files: int = Field(default=64, ge=1, description="most checkpoints in one request")
    queue_size: int = Field(default=8, ge=1, description="requests running or waiting before 429")
    retry_after_seconds: int = Field(default=2, ge=1, description="Retry-After of a 429 or 503")
    deadline_seconds: float = Field(default=120.0, gt=0, description="longest a job may run before it is stopped")
    worker_memory_bytes: int | None = Field(
        default=None, ge=2**28, description="most memory of a worker on the CPU; unset: no limit of ours"
    )
    cache_dir: Path = Field(
        default_factory=user_cache, description="answers by content, readable by this user alone; safe to delete"
    )
    cache_bytes: int = Field(default=64 * 2**20, ge=0, description="most that the cache keeps; 0: no cache")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    drain_seconds: int = Field(default=30, ge=0, description="time for running jobs to end after SIGTERM")

    def torch_device(self) -> torch.device:
        """The device to run on."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    def worker_devices(self) -> list[str]:
        """The device of each worker: GPUs take turns."""
        kind = self.torch_device().type
        gpus = torch.cuda.device_count() if kind == "cuda" else 0
        count = self.workers or max(1, gpus)
        return [f"cuda:{number % gpus}" if gpus else "cpu" for number in range(count)]
