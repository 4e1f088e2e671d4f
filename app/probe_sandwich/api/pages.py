"""The page, the API's description, and their files: nothing of them comes from elsewhere."""

from pathlib import Path

from fastapi import APIRouter

from probe_sandwich.api.problems import Problem
from probe_sandwich.api.ranges import RangedFile

PAGE, DOCS = Path(__file__).with_name("page"), Path(__file__).with_name("docs")
# The page runs its own script and nothing else, and nobody may frame it.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Swagger UI writes styles into its elements.
DOCS_HEADERS = PAGE_HEADERS | {
    "Content-Security-Policy": PAGE_HEADERS["Content-Security-Policy"].replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )
}
_SCRIPTS = tuple(sorted(path.name for path in PAGE.glob("*.js")))
_ASSETS = {"page.css": "text/css"} | dict.fromkeys(_SCRIPTS, "text/javascript")
_DOCS_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "start.js": "text/javascript"}

router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def page() -> RangedFile:
    """The page."""
    return RangedFile(PAGE / "index.html", media_type="text/html", headers=PAGE_HEADERS)


@router.api_route("/assets/{name}", methods=["GET", "HEAD"], include_in_schema=False)
async def asset(name: str) -> RangedFile:
    """The page's own files."""
    if name not in _ASSETS:
        raise Problem("not-found", 404, "there is no such asset")
    return RangedFile(PAGE / name, media_type=_ASSETS[name], headers=PAGE_HEADERS)


@router.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
async def docs() -> RangedFile:
    """The API's description, to be tried out; nothing of it comes from elsewhere."""
    return RangedFile(DOCS / "index.html", media_type="text/html", headers=DOCS_HEADERS)


@router.api_route("/docs/{name}", methods=["GET", "HEAD"], include_in_schema=False)
async def docs_asset(name: str) -> RangedFile:
    """Swagger UI's files."""
    if name not in _DOCS_ASSETS:
        raise Problem("not-found", 404, "there is no such asset")
    return RangedFile(DOCS / name, media_type=_DOCS_ASSETS[name], headers=DOCS_HEADERS)
