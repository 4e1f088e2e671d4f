"""Every knob of the service, read from the environment as PROBE_SANDWICH_*."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    import torch

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED, _CLONED = _PACKAGE / "models", _PACKAGE.parents[1] / "models"
SHIPPED_MODELS = _INSTALLED if _INSTALLED.exists() else _CLONED
"""The wheel carries the served models within the package; in a clone they lie beside `app/`."""


_GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Device files of which one is there wherever PyTorch finds a GPU: NVIDIA's, Windows' for Linux guests, AMD's."""


def user_cache() -> Path:
    """The folder for answers in this user's own cache, where the XDG convention puts it."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "probe-sandwich"


class Settings(BaseSettings):
    """Configuration of the service."""

    model_config = SettingsConfigDict(env_prefix="PROBE_SANDWICH_", env_ignore_empty=True, extra="ignore")

    model: Path = Field(default=SHIPPED_MODELS / "universal", description="folder of the meta-classifier")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: CUDA where there is one")
    workers: int = Field(default=0, ge=0, description="worker processes; 0: one a GPU, or one on the CPU")
    api_key: SecretStr | None = Field(default=None, description="wanted as `Authorization: Bearer` where it is set")
    max_upload_bytes: int = Field(default=256 * 2**20, ge=1, description="largest request body")
    max_inputs_bytes: int = Field(
        default=8 * 2**20, ge=1, description="largest file of inputs of the user's own, unlabelled or labelled"
    )
    max_files: int = Field(default=64, ge=1, description="most checkpoints in one request")
    queue_size: int = Field(default=8, ge=1, description="requests running or waiting before 429")
    max_uploads: int = Field(default=64, ge=1, description="uploads on their way before 429")
    spool_bytes: int = Field(default=2**30, ge=1, description="most bytes of uploads on disk before 429")
    client_share: float = Field(
        default=0.5, gt=0, le=1, description="share of the queue, the uploads and their bytes that one address may hold"
    )
    upload_seconds: float = Field(default=30.0, gt=0, description="time for the body of an upload, beside its rate")
    upload_bytes_per_second: int = Field(default=2**16, ge=1, description="least rate of an upload after that time")
    max_connections: int = Field(default=512, ge=1, description="open connections before some are closed")
    header_seconds: float = Field(
        default=30.0, gt=0, description="longest a connection may send no whole request, or take nothing of an answer"
    )
    quarantine_seconds: float = Field(
        default=600.0, ge=0, description="for how long a file is refused that ended a worker twice"
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=[], description="origins whose pages may call the service, separated by commas"
    )
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
        default_factory=user_cache, description="answers by content, readable by this user alone; safe to delete"
    )
    cache_bytes: int = Field(default=64 * 2**20, ge=0, description="most that the cache keeps; 0: no cache")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    drain_seconds: int = Field(default=30, ge=0, description="time for running jobs to end after SIGTERM")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [origin.strip() for origin in value.split(",")] if isinstance(value, str) else value

    @field_validator("api_key")
    @classmethod
    def _without_ends(cls, key: SecretStr | None) -> SecretStr | None:
        """A key that was read from a file ends in a newline, and no header can."""
        if key is None:
            return None
        bare = key.get_secret_value().strip(" \t\r\n")
        if not bare:
            raise ValueError("the key is blank; give one, or leave the variable unset")
        return SecretStr(bare)

    @property
    def examples(self) -> Path:
        """The folder of checkpoints whose answers are known, where there is one beside the meta-classifier."""
        return self.model.parent / "examples"

    def torch_device(self) -> "torch.device":
        """The device to run on. Raises `NoSuchDevice`."""
        return torch_device(self.device)

    def worker_devices(self) -> list[str]:
        """The device of each worker: GPUs take turns. Raises `NoSuchDevice`."""
        gpus = 0 if self.device == "cpu" else gpu_count()
        if self.device == "cuda" and not gpus:
            raise NoSuchDevice
        count = self.workers or max(1, gpus)
        return [f"cuda:{number % gpus}" if gpus else "cpu" for number in range(count)]


class NoSuchDevice(ValueError):
    """CUDA was asked for where PyTorch sees none."""

    def __init__(self) -> None:
        super().__init__("device cuda was asked for, but PyTorch sees no GPU here; choose cpu, or auto for a service")


def gpu_count() -> int:
    """GPUs that PyTorch can use, counted by a process of its own, so that this one need not load PyTorch for it."""
    if not any(Path(driver).exists() for driver in _GPU_DRIVERS):
        return 0
    command = [
        sys.executable,
        "-c",
        "import torch; print(torch.cuda.device_count() if torch.cuda.is_available() else 0)",
    ]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def torch_device(name: str) -> "torch.device":
    """The device of a name, `auto` being CUDA where there is one. Raises `NoSuchDevice`."""
    import torch  # noqa: PLC0415 - seconds that not every command needs

    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise NoSuchDevice
    return torch.device(("cuda" if there else "cpu") if name == "auto" else name)
