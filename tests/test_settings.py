"""The service's settings: which devices its workers run on."""

from pathlib import Path

import pytest
import torch
from probe_sandwich import settings
from probe_sandwich.settings import NoSuchDevice, Settings, gpu_count
from pydantic import ValidationError


def test_gpus_are_those_that_pytorch_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_GPU_DRIVERS", (str(tmp_path),))
    assert gpu_count() == torch.cuda.device_count()


def test_without_a_driver_there_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_GPU_DRIVERS", (str(tmp_path / "absent"),))
    assert gpu_count() == 0


@pytest.mark.parametrize(
    ("device", "workers", "gpus", "devices"),
    [
        ("auto", 0, 0, ["cpu"]),
        ("auto", 2, 0, ["cpu", "cpu"]),
        ("auto", 0, 2, ["cuda:0", "cuda:1"]),
        ("cuda", 3, 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("cpu", 0, 2, ["cpu"]),
    ],
)
def test_workers_take_turns_on_the_gpus(
    device: str, workers: int, gpus: int, devices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "gpu_count", lambda: gpus)
    assert Settings.model_validate({"device": device, "workers": workers}).worker_devices() == devices


def test_cuda_where_there_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "gpu_count", lambda: 0)
    with pytest.raises(NoSuchDevice):
        Settings(device="cuda").worker_devices()


def test_a_blank_key_is_no_key() -> None:
    with pytest.raises(ValidationError, match="the key is blank"):
        Settings.model_validate({"api_key": "\n"})


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "WORKER_MEMORY_BYTES", "CORS_ORIGINS", "DEVICE"):
        monkeypatch.setenv(f"PROBE_SANDWICH_{name}", "")
    settings = Settings()
    assert (settings.api_key, settings.worker_memory_bytes, settings.cors_origins) == (None, 2**30, [])
