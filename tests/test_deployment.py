"""Files for containers name what is really there, and give it room."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings

from tests.serving import free_port

ROOT = Path(__file__).resolve().parents[1]
VARIABLES = {f"PROBE_SANDWICH_{name.upper()}" for name in Settings.model_fields}
PATHS = set(create_app(Settings(device="cpu")).openapi()["paths"])
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
KUBERNETES = list(yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text()))
DEPLOYMENT, JOB = KUBERNETES[0]["spec"]["template"]["spec"], KUBERNETES[-1]["spec"]["template"]["spec"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
MEBIBYTE = 2**20
PROCESSES_THEMSELVES = 1024 * MEBIBYTE


def bytes_of(size: str) -> int:
    """`5g`, `2560m`, `5Gi` and `2560Mi` in bytes."""
    number, unit = re.fullmatch(r"(\d+)([gm])i?", size.lower()).groups()
    return int(number) * (1024 * MEBIBYTE if unit == "g" else MEBIBYTE)


def settings_of(environment: dict[str, Any]) -> Settings:
    """The service's settings in a container of this environment."""
    return Settings(**{name.removeprefix("PROBE_SANDWICH_").lower(): value for name, value in environment.items()})


def test_every_variable_of_the_service_is_in_its_page_and_no_other() -> None:
    named = set(re.findall(r"PROBE_SANDWICH_[A-Z_]+", (ROOT / "docs" / "service.md").read_text()))
    assert named - {"PROBE_SANDWICH_"} == VARIABLES


def test_manifests_set_known_variables_and_probe_known_paths() -> None:
    for name in ("compose.yaml", "deploy/kubernetes.yaml", "Dockerfile"):
        text = (ROOT / name).read_text()
        assert set(re.findall(r"PROBE_SANDWICH_[A-Z_]+", text)) <= VARIABLES
        assert set(re.findall(r"/health[a-z/]*", text)) <= PATHS


def test_manifests_parse() -> None:
    assert set(COMPOSE["services"]) == {"cpu", "gpu"}
    kinds = [document["kind"] for document in KUBERNETES]
    assert kinds == ["Deployment", "Service", "PersistentVolumeClaim", "Job"]


def rooms() -> dict[str, tuple[Settings, int, int]]:
    """Of each deployment: the settings, the bytes of /tmp, which is memory, and the limit of all memory."""
    (container,) = DEPLOYMENT["containers"]
    environment = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    (tmp,) = (volume["emptyDir"] for volume in DEPLOYMENT["volumes"] if volume["name"] == "tmp")
    assert tmp["medium"] == "Memory"
    found = {
        "kubernetes": (
            settings_of(environment),
            bytes_of(tmp["sizeLimit"]),
            bytes_of(container["resources"]["limits"]["memory"]),
        )
    }
    for name, service in COMPOSE["services"].items():
        (mount,) = service["tmpfs"]
        size = re.fullmatch(r"/tmp:size=(\w+),mode=1777", mount).group(1)
        environment = {key: value for key, value in service["environment"].items() if value is not None}
        found[name] = (settings_of(environment), bytes_of(size), bytes_of(service["mem_limit"]))
    return found


@pytest.mark.parametrize("name", ["cpu", "gpu", "kubernetes"])
def test_the_largest_uploads_in_every_place_of_the_queue_fit_beside_a_worker_at_its_limit(name: str) -> None:
    settings, tmp, memory = rooms()[name]
    assert settings.queue_size * settings.max_upload_bytes + settings.cache_bytes <= tmp
    assert settings.worker_memory_bytes is not None
    assert tmp + settings.worker_memory_bytes + PROCESSES_THEMSELVES <= memory


def test_every_compose_service_has_an_init_a_grace_to_drain_in_and_bounds() -> None:
    for service in COMPOSE["services"].values():
        assert service["init"] is True
        assert int(service["stop_grace_period"].removesuffix("s")) > Settings().drain_seconds
        assert {"mem_limit", "pids_limit"} <= set(service)


def test_a_pod_drains_before_it_is_killed_and_answers_its_probes_in_time() -> None:
    (container,) = DEPLOYMENT["containers"]
    asleep = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert DEPLOYMENT["terminationGracePeriodSeconds"] > asleep + Settings().drain_seconds
    assert container["readinessProbe"]["timeoutSeconds"] >= 3


def test_the_job_of_the_zoo_is_bounded_as_the_service_is_and_shares_a_claim_that_the_manifest_makes() -> None:
    claim, job = KUBERNETES[2], JOB["containers"][0]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert {"name": "zoo", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}} in JOB["volumes"]
    assert JOB["securityContext"] == DEPLOYMENT["securityContext"]
    assert job["securityContext"] == DEPLOYMENT["containers"][0]["securityContext"]
    assert "--workers $WORKERS" in job["args"][0]
    assert job["env"][0]["valueFrom"]["resourceFieldRef"]["resource"] == "limits.cpu"
    assert set(job["resources"]["limits"]) == {"cpu", "memory"}


def test_the_image_names_torch_with_its_build_runs_by_number_and_has_an_init() -> None:
    pinned = next(line for line in (ROOT / "pyproject.toml").read_text().splitlines() if '"torch==' in line)
    (version,) = re.findall(r'"(torch==[\d.]+)"', pinned)
    assert f'"{version}+$TORCH_BUILD"' in DOCKERFILE
    assert COMPOSE["services"]["gpu"]["build"]["args"]["TORCH_BUILD"] in ("cu126", "cu130")
    assert "USER 10001:10001\n" in DOCKERFILE
    assert 'ENTRYPOINT ["tini", "-s", "--"]' in DOCKERFILE
    assert "import httpx" not in DOCKERFILE


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    usual = Settings()
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert Settings() == usual
    assert usual.api_key is None


def test_sigterm_while_the_workers_start_ends_the_service_at_once() -> None:
    command = [sys.executable, "-m", "uvicorn", "probe_sandwich.main:app", "--port", str(free_port())]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        while not children.read_text():
            assert server.poll() is None
            time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=2) == -signal.SIGTERM
