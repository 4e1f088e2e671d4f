"""Whatever fits the service's own OpenAPI document gets an answer that it promises.

Needs the extra `fuzz`: `pytest -m fuzz`.
"""

import httpx
import pytest
from probe_sandwich.answer import Diagnosis
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings


def test_every_problem_and_every_field_is_documented() -> None:
    document = create_app(Settings(device="cpu")).openapi()
    operation = document["paths"]["/classify"]["post"]
    assert set(operation["responses"]) == {"200", "400", "401", "408", "413", "415", "422", "429", "503"}
    for status, answer in operation["responses"].items():
        content = answer["content"]["application/json" if status == "200" else "application/problem+json"]
        assert content["example"]
    Diagnosis.model_validate(operation["responses"]["200"]["content"]["application/json"]["example"])
    form = document["components"]["schemas"]["Body_classify_classify_post"]["properties"]
    options = {"seed", "noise_draws", "formulas_per_length", "direct_test"}
    foreign = {"config", "vocabulary", "train_max_length", "task", "alphabet", "begin", "end", "symbols"}
    assert set(form) == {"checkpoint", "inputs", "labelled"} | options | foreign


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
def test_requests_made_from_the_document_never_cost_a_500(service_url: str) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415
    from hypothesis import strategies as st  # noqa: PLC0415

    schema = schemathesis.openapi.from_url(f"{service_url}/openapi.json")
    cases = st.one_of([operation.ok().as_strategy() for operation in schema.get_all_operations()])
    tried: set[tuple[str, int]] = set()

    @given(case=cases)
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    def run(case: "schemathesis.Case") -> None:
        response = case.call()
        assert response.status_code < 500
        tried.add((case.operation.path, response.status_code))
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"]
        else:
            case.validate_response(response)

    run()
    assert {path for path, _ in tried} >= {"/classify", "/classify/batch", "/health", "/metrics"}
    assert httpx.get(f"{service_url}/health/ready").status_code == 200
