"""The page and the API's description: complete, the same wherever a proxy puts them, and nothing from elsewhere."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from probe_sandwich.api.pages import DOCS, PAGE
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings

from tests.api.fakes import faking
from tests.api.test_admission import behind

PREFIX = "/tools/probe"
REFERENCE = re.compile(r"""(?:href|src|from|import)\s*=?\s*["']([^"']+)["']""")
ABSOLUTE = re.compile(r"""["'`](?:/|https?:)[^"'`]*["'`]""")


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service below a prefix, as another app or a proxy would put it there."""
    models = tmp_path_factory.mktemp("model")
    service = create_app(Settings(device="cpu", model=models, cache_bytes=0))
    outer = FastAPI(lifespan=lambda _: service.router.lifespan_context(service))
    outer.mount(PREFIX, service)
    with faking(), behind(outer) as url, httpx.Client(base_url=f"{url}{PREFIX}/", timeout=30) as client:
        yield client


@pytest.mark.parametrize("file", ["index.html", *sorted(path.name for path in PAGE.glob("*.js"))])
def test_no_path_of_the_page_is_absolute(file: str) -> None:
    text = (PAGE / file).read_text().replace("http://www.w3.org/2000/svg", "")
    assert ABSOLUTE.findall(text) == []


@pytest.mark.parametrize("page", ["", "docs"])
def test_whatever_a_page_refers_to_is_there_below_a_prefix(prefixed: httpx.Client, page: str) -> None:
    waiting, seen = [str(prefixed.base_url.join(page))], set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = prefixed.get(address)
        assert answer.status_code == 200, address
        small = len(answer.content) < 50_000  # Swagger UI's own bundle refers to nothing
        found = [urljoin(address, name) for name in REFERENCE.findall(answer.text if small else "")]
        waiting += [one for one in found if not one.startswith("data:") and one not in seen]
    names = {address.rsplit("/", 1)[1] for address in seen}
    wanted = {"page.css", *(file.name for file in PAGE.glob("*.js"))} if page == "" else {"start.js"}
    assert wanted <= names
    assert all(f"{PREFIX}/" in address for address in seen)


def test_what_the_page_asks_for_is_there_below_a_prefix(prefixed: httpx.Client) -> None:
    asked = re.findall(r'(?:given|request)\("([^"]+)"', "".join(file.read_text() for file in PAGE.glob("*.js")))
    assert set(asked) == {"classify", "classify/batch", "examples", "health", "zoo"}
    for path in asked:
        assert prefixed.get(path).status_code in (200, 405), path


def test_the_description_is_asked_where_it_lies(prefixed: httpx.Client) -> None:
    document = prefixed.get("openapi.json").json()
    assert document["servers"] == [{"url": "."}]


def test_a_form_of_the_page_has_every_field_of_the_service(prefixed: httpx.Client) -> None:
    html = (PAGE / "index.html").read_text()
    schemas = prefixed.get("openapi.json").json()["components"]["schemas"]
    fields = set(schemas["Body_classify_classify_post"]["properties"]) - {"checkpoint"}
    assert set(re.findall(r'name="([a-z_]+)"', html)) - {"viewport"} == fields


def test_the_same_pages_answer_head_as_get(prefixed: httpx.Client) -> None:
    for path in ("", "docs", "assets/page.css", "health", "health/live", "examples", "zoo", "metrics", "openapi.json"):
        whole, bare = prefixed.get(path), prefixed.head(path)
        assert (bare.status_code, bare.content) == (200, b""), path
        assert bare.headers["content-type"] == whole.headers["content-type"]


def test_the_docs_load_nothing_from_elsewhere(prefixed: httpx.Client) -> None:
    page = prefixed.get("docs").text
    assert "http" not in page.replace("http-equiv", "")
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert f"docs/{name}" in page
        assert prefixed.get(f"docs/{name}").status_code == 200
    assert prefixed.get("docs/..%2fsettings.py").status_code == 404
    assert prefixed.get("redoc").status_code == 404


def test_the_files_of_the_description_are_those_that_are_served() -> None:
    licences = {path.name for path in DOCS.iterdir() if "LICENSE" in path.name or "NOTICE" in path.name}
    assert {path.name for path in DOCS.iterdir()} - licences == {
        "index.html",
        "start.js",
        "swagger-ui.css",
        "swagger-ui-bundle.js",
    }
