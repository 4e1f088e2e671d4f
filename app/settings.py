"""Every knob of the service, read from the environment as PROBE_SANDWICH_*."""

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SHIPPED_MODELS = Path(__file__).resolve().parents[1] / "models"


class Settings(BaseSettings):
    """Configuration of the service."""

    model_config = SettingsConfigDict(env_prefix="PROBE_SANDWICH_", extra="ignore")

    models_dir: Path = Field(default=SHIPPED_MODELS, description="folder of the meta-classifiers")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: CUDA where there is one")
    max_upload_bytes: int = Field(default=256 * 2**20, ge=1, description="largest request body")
    queue_size: int = Field(default=8, ge=1, description="requests running or waiting before 429")
    retry_after_seconds: int = Field(default=2, ge=1, description="Retry-After of a 429")

    def torch_device(self) -> torch.device:
        """The device to run on."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)
