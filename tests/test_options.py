"""What a user may choose: one model, whose bounds hold alike in the library, the service and the command line."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from probe_sandwich.cli import app
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings
from pydantic import ValidationError
from typer.testing import CliRunner

from tests.api.fakes import faking
from tests.conftest import EXAMPLES, post, running

BOUNDS = {
    name: (schema["minimum"], schema.get("maximum", schema.get("exclusiveMaximum", 0) - 1))
    for name, schema in Options.model_json_schema()["properties"].items()
    if "minimum" in schema
}
GOOD = [(name, str(bound)) for name, bounds in BOUNDS.items() for bound in bounds]
BAD = [
    *((name, str(value)) for name, (least, most) in BOUNDS.items() for value in (least - 1, most + 1, "many", 1.5)),
    ("direct_test", "perhaps"),
]


@pytest.fixture(scope="module")
def fast_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service whose worker answers at once."""
    settings = Settings(device="cpu", cache_bytes=0, model=tmp_path_factory.mktemp("model"))
    with faking(), running(settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def test_every_number_has_bounds() -> None:
    assert set(BOUNDS) == set(Options.model_fields) - {"direct_test"}


@pytest.mark.parametrize(("name", "value"), BAD)
def test_the_library_refuses_a_bad_value_by_name(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Options.model_validate({name: value})


@pytest.mark.parametrize(("name", "value"), BAD)
def test_the_service_refuses_a_bad_value_by_name(fast_http: httpx.Client, name: str, value: str) -> None:
    response = post(fast_http, EXAMPLES[0].read_bytes(), **{name: value})
    assert (response.status_code, response.json()["type"]) == (422, "urn:probe-sandwich:problem:invalid-request")
    assert response.json()["detail"].startswith(f"{name}: Input should be")


@pytest.mark.parametrize(("name", "value"), [bad for bad in BAD if bad[0] != "direct_test"])
def test_the_command_line_refuses_a_bad_value_by_name(name: str, value: str) -> None:
    option = f"--{name.replace('_', '-')}"
    done = CliRunner().invoke(app, ["classify", "any", f"{option}={value}"], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert re.search(f"Invalid value for '{option}': Input should be", done.output)


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_the_bounds_themselves_are_taken_everywhere(
    fast_http: httpx.Client, name: str, value: str, tmp_path: Path
) -> None:
    assert str(getattr(Options.model_validate({name: value}), name)) == value
    assert post(fast_http, EXAMPLES[0].read_bytes(), **{name: value}).status_code == 200
    done = CliRunner().invoke(app, ["classify", str(tmp_path), f"--{name.replace('_', '-')}={value}"])
    assert "holds no config.json" in done.output.replace("\n", " ")
