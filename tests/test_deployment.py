"""Files for containers name what is really there."""

import re
from pathlib import Path

import yaml
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
VARIABLES = {f"PROBE_SANDWICH_{name.upper()}" for name in Settings.model_fields}
PATHS = set(create_app(Settings(device="cpu")).openapi()["paths"])


def test_every_variable_of_the_service_is_in_the_readme_and_no_other() -> None:
    named = set(re.findall(r"PROBE_SANDWICH_[A-Z_]+", (ROOT / "README.md").read_text()))
    assert named - {"PROBE_SANDWICH_"} == VARIABLES


def test_manifests_set_known_variables_and_probe_known_paths() -> None:
    for name in ("compose.yaml", "deploy/kubernetes.yaml", "Dockerfile"):
        text = (ROOT / name).read_text()
        assert set(re.findall(r"PROBE_SANDWICH_[A-Z_]+", text)) <= VARIABLES
        assert set(re.findall(r"/health[a-z/]*", text)) <= PATHS


def test_manifests_parse() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert set(compose["services"]) == {"cpu", "gpu"}
    kinds = [document["kind"] for document in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text())]
    assert kinds == ["Deployment", "Service", "Job"]
