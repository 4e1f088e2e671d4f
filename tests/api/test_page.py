"""The page in a real Chromium. Needs the extra `browser` and a Chromium: `pytest -m browser`.

`PAGE_SCREENSHOTS=folder` keeps pictures of what was seen.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from probe_sandwich import api
from probe_sandwich.settings import Settings

from tests.conftest import EXAMPLES, running
from tests.own_task import evenly_answered, labelled_file, own_checkpoint, texts, unlabelled_file

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=["light", "dark", "phone"])
def page(request: pytest.FixtureRequest, browser: "sync_api.Browser", service_url: str) -> Iterator["sync_api.Page"]:
    """The page, in light, in dark, and as wide as a phone; no error on its console, no request to elsewhere."""
    viewport = {"width": 390, "height": 844} if request.param == "phone" else {"width": 1200, "height": 900}
    context = browser.new_context(viewport=viewport, color_scheme="dark" if request.param == "dark" else "light")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    requested: list[str] = []
    opened.on("request", lambda sent: requested.append(sent.url))
    opened.goto(service_url)
    opened.wait_for_selector("#examples button")
    opened.wait_for_selector("#health:not(:empty)")
    yield opened
    context.close()
    assert [url for url in requested if not url.startswith((service_url, "blob:", "data:"))] == []
    assert [text for text in complaints if "415" not in text] == []


def keep(page: "sync_api.Page", request: pytest.FixtureRequest) -> None:
    folder = os.environ.get("PAGE_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{request.node.name}.png"), full_page=True)


def fits(page: "sync_api.Page") -> bool:
    """Whether nothing makes the page scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_an_example_is_one_click_away(page: "sync_api.Page", request: pytest.FixtureRequest) -> None:
    page.get_by_role("button", name="not-generalizer").click()
    page.wait_for_selector("#result:not([hidden])", timeout=30_000)
    assert page.inner_text("#verdict") == "Not a generalizer"
    assert page.inner_text("#direct") == "Not a generalizer"
    assert "on other models of task conjunction, it gave verdicts on 100 of 100, " in page.inner_text("#scale-note")
    assert page.locator("#accuracy svg circle").count() == 5
    assert page.locator("#kept svg circle").count() == 9  # all placements but the usual one
    assert page.locator("#probes svg").count() == 6
    first = page.locator("#probes svg >> nth=0")
    assert first.locator(".symbol").count() > 0
    assert page.locator("#kept-table tbody tr").count() == 10
    page.wait_for_selector("#zoo-part:not([hidden])")
    assert re.search(r"the reserve, [1-9]\d* models that no sandwich was trained on", page.inner_text("#zoo-note"))
    assert page.locator("#share").is_hidden()  # this service keeps nothing
    assert '"generalizer_probability"' in page.text_content("#raw")
    assert page.evaluate("document.activeElement.id") == "result"
    assert fits(page)
    keep(page, request)


@pytest.mark.parametrize("zoo", [None, {"no": "zoo"}], ids=["never comes", "of another kind"])
def test_a_result_without_its_zoo_is_a_result(page: "sync_api.Page", zoo: object) -> None:
    page.route("**/zoo", lambda route: None if zoo is None else route.fulfill(json=zoo))
    for name, verdict in (("not-generalizer", "Not a generalizer"), ("generalizer", "Generalizer")):
        page.get_by_role("button", name=re.compile(f"^{name}")).click()
        page.wait_for_function("verdict => document.getElementById('verdict').textContent === verdict", arg=verdict)
        page.wait_for_selector("#progress", state="hidden")
        assert page.locator("#result").is_visible()
        assert page.locator("#zoo-part").is_hidden()
        assert page.locator("#problem").is_hidden()
        assert json.loads(page.text_content("#raw") or "")["checkpoint"]["task"] == "conjunction"
    page.wait_for_function("() => Math.abs(document.getElementById('result').getBoundingClientRect().top) < 2")


def test_what_was_asked_for_last_is_what_shows(page: "sync_api.Page") -> None:
    kept = f"results/{'0' * 64}"
    held: list[sync_api.Route] = []
    page.route(f"**/{kept}", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks what it is given
    page.evaluate("address => { location.hash = address; }", kept)
    page.get_by_role("button", name="not-generalizer").click()
    page.wait_for_selector("#result:not([hidden])", timeout=30_000)
    held[0].fulfill(body=(Path(api.__file__).parent / "example_diagnosis.json").read_text())
    page.wait_for_timeout(300)
    assert page.inner_text("#verdict") == "Not a generalizer"
    assert page.locator("#problem").is_hidden()
    page.evaluate("() => { location.hash = 'elsewhere'; }")  # no address of a result
    page.wait_for_selector("#result", state="hidden")


def test_beneath_a_probe_the_zoos_two_kinds_stand_at_its_places_the_fuller_the_more_they_keep(
    page: "sync_api.Page",
) -> None:
    page.get_by_role("button", name="not-generalizer").click()
    page.wait_for_selector("#result:not([hidden])", timeout=30_000)
    diagnosis = json.loads(page.text_content("#raw") or "")
    zoo, (probe, *_) = diagnosis["kept_answers"]["zoo"], diagnosis["probes"]
    rows = page.locator("#probes svg >> nth=0").locator("g")
    assert rows.count() == len(probe["answers"]) == 10
    for tone, kind in (("zoo-yes", "generalizers"), ("zoo-no", "others")):
        drawn = [rows.nth(row).locator(f"rect.{tone}") for row in range(10)]
        assert [row.count() for row in drawn] == [len(probe["symbols"])] * 10
        letters = rows.nth(8).locator("rect.class-0, rect.class-1")
        assert lefts(drawn[8]) == lefts(letters)
        shares = zoo[kind]["mean"]
        rising = [
            float(drawn[row].first.get_attribute("opacity") or "") for row in sorted(range(10), key=shares.__getitem__)
        ]
        assert rising == sorted(rising)
        assert rising[0] < rising[-1] == 1
        assert f"{round(100 * shares[8])} %" in rows.nth(8).locator("title").text_content()
    told = page.inner_text("#probes-zoo")
    assert f"{zoo['generalizers']['subjects']} generalizers and {zoo['others']['subjects']} others of task conj" in told


def lefts(drawn: "sync_api.Locator") -> list[str]:
    """Where drawn boxes begin."""
    found: list[str] = drawn.evaluate_all("boxes => boxes.map((box) => box.getAttribute('x'))")
    return found


def test_a_test_that_lacks_lengths_is_not_called_a_failure_and_an_abstention_says_what_to_do(
    page: "sync_api.Page", request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page.set_input_files("[name=inputs]", unlabelled_file(tmp_path, texts(200, 10)))
    page.set_input_files("[name=labelled]", labelled_file(tmp_path, [*texts(40, 10), *evenly_answered(40, 20)]))
    page.set_input_files("#file", own_checkpoint(tmp_path))
    page.wait_for_selector("#result:not([hidden])", timeout=60_000)
    assert page.inner_text("#direct") == "Not known"
    assert "for want of inputs of 13 to 18 symbols" in page.inner_text("#direct-text")
    assert page.inner_text("#verdict") == "No verdict"
    assert "the sandwich abstains. Labelled inputs" in page.inner_text("#next")
    assert "of all its tasks" in page.inner_text("#probes-zoo")
    assert fits(page)
    keep(page, request)


def test_a_dropped_file_shows_progress_and_then_the_answer(
    page: "sync_api.Page", request: pytest.FixtureRequest
) -> None:
    content = list(next(path for path in EXAMPLES if path.stem == "generalizer").read_bytes())
    page.evaluate(
        """() => {
            window.stages = [];
            new MutationObserver(() => window.stages.push(document.getElementById("stages").innerText))
                .observe(document.getElementById("stages"), { childList: true, subtree: true });
        }"""
    )
    page.evaluate(
        """(content) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(content)], "mine.safetensors"));
            const dropped = new DragEvent("drop", { dataTransfer: carried, bubbles: true });
            document.getElementById("drop").dispatchEvent(dropped);
        }""",
        content,
    )
    page.wait_for_selector("#result:not([hidden])", timeout=30_000)
    assert page.inner_text("#result-title") == "mine.safetensors"
    assert page.inner_text("#verdict") == "Generalizer"
    seen = " ".join(page.evaluate("window.stages"))
    assert all(words in seen for words in ("uploading", "checking the file", "asking the probes", "(3T, 4T]"))


def test_a_bad_file_is_explained(page: "sync_api.Page", request: pytest.FixtureRequest, tmp_path: Path) -> None:
    wrong = tmp_path / "picture.safetensors"
    wrong.write_bytes(b"\x89PNG" + bytes(50))
    page.set_input_files("#file", wrong)
    page.wait_for_selector("#problem:not([hidden])", timeout=10_000)
    assert "does not start like a safetensors file" in page.inner_text("#problem-text")
    assert "not-safetensors" in page.inner_text("#problem-type")
    keep(page, request)


def test_the_page_works_by_keyboard(page: "sync_api.Page") -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").startswith("generalizer"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#result:not([hidden])", timeout=30_000)
    assert page.inner_text("#verdict") == "Generalizer"


def test_everything_has_a_name_for_a_screen_reader(page: "sync_api.Page") -> None:
    page.get_by_role("button", name="not-generalizer").click()
    page.wait_for_selector("#result:not([hidden])", timeout=30_000)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("svg, button, a, input")]
            .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.closest("label")))
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    assert page.get_attribute("html", "lang") == "en"


def test_the_zoo_fills_its_card_and_every_bar_of_it_can_be_seen(page: "sync_api.Page") -> None:
    counts = {"generalizers": [1, *[3] * 18, 500], "not_generalizers": [200, *[2] * 18, 1]}
    page.route("**/zoo", lambda route: route.fulfill(body=json.dumps([{"meta_classifier": "universal", **counts}])))
    page.get_by_role("button", name="not-generalizer").click()
    page.wait_for_selector("#zoo svg", timeout=60_000)
    drawn, card = (page.locator(place).bounding_box() for place in ("#zoo svg", "#zoo"))
    assert drawn is not None
    assert card is not None
    assert drawn["width"] == pytest.approx(card["width"], abs=1)
    heights = page.eval_on_selector_all("#zoo svg rect", "bars => bars.map((bar) => +bar.getAttribute('height'))")
    assert len(heights) == 40
    assert min(heights) > 4


def test_a_folder_becomes_a_table_that_can_be_sorted(page: "sync_api.Page", tmp_path: Path) -> None:
    (tmp_path / "runs" / "deep").mkdir(parents=True)
    for example in EXAMPLES:
        shutil.copy(example, tmp_path / "runs" / "deep")
    (tmp_path / "runs" / "notes.txt").write_text("no checkpoint")
    page.evaluate(
        """() => {
            window.counts = [];
            new MutationObserver(() => window.counts.push(document.getElementById("count").innerText))
                .observe(document.getElementById("count-text"), { childList: true });
        }"""
    )
    page.set_input_files("#folder", tmp_path / "runs")
    page.wait_for_selector("#batch:not([hidden])", timeout=60_000)
    assert {"0 of 2 answered", "1 of 2 answered"} <= {text.strip() for text in page.evaluate("window.counts")}
    assert files_of(page) == ["generalizer.safetensors", "not-generalizer.safetensors"]
    assert page.locator("#files .rank").all_inner_texts() == ["1", "2"]
    for sort, order in (("ascending", 1), ("descending", -1)):
        page.get_by_role("button", name="Direct test").click()
        assert page.locator("#files [aria-sort]").get_attribute("aria-sort") == sort
        assert files_of(page)[::order] == ["generalizer.safetensors", "not-generalizer.safetensors"]
    assert fits(page)
    page.get_by_role("button", name="not-generalizer.safetensors").click()
    page.wait_for_selector("#result:not([hidden])", timeout=30_000)
    assert page.inner_text("#verdict") == "Not a generalizer"


def files_of(page: "sync_api.Page") -> list[str]:
    """The files of the table, from top to bottom."""
    return page.locator("#files tbody th").all_inner_texts()


def test_a_kept_answer_can_be_shared_and_saved_by_who_has_the_key(browser: "sync_api.Browser", tmp_path: Path) -> None:
    with running(Settings(device="cpu", api_key="s3cret", cache_dir=tmp_path / "answers")) as url:
        first = browser.new_page()
        first.goto(url)
        first.fill("#key", "s3cret")
        first.get_by_role("button", name="not-generalizer").click()
        first.wait_for_selector("#share:visible", timeout=60_000)
        shared = first.input_value("#link")
        assert re.fullmatch(rf"{url}/#results/[0-9a-f]{{64}}", shared)
        assert first.url == shared
        with first.expect_download() as download:
            first.get_by_role("button", name="picture").click()
        assert download.value.path().read_text().startswith("<svg ")
        other = browser.new_page()
        other.goto(shared.replace("/#", "/"))  # the address of the answer itself leads to the page
        other.wait_for_selector("#problem:not([hidden])")
        assert "API key" in other.inner_text("#problem-text")
        other.fill("#key", "s3cret")
        other.press("#key", "Enter")
        other.wait_for_selector("#result:not([hidden])")
        assert other.inner_text("#verdict") == first.inner_text("#verdict") == "Not a generalizer"
        assert other.url == shared
        first.close()
        other.close()
