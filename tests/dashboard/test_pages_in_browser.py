"""Each page in a real Chromium: headings are there, nothing failed, nobody outside this machine was asked."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from dashboard.browser import FLAGS, find_chromium
from tests.dashboard import hostile

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium found: apt-get install chromium"),
]
playwright_api = pytest.importorskip("playwright.sync_api")
CUSTOMER = f"cus_{5:032x}"


@pytest.fixture(scope="module")
def address(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a company with a hostile customer in it on a free port, the way `rapport up` does."""
    home = hostile.harm(company, tmp_path_factory.mktemp("harmed") / "home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dashboard.serve", "--port", str(port)]
    folder = tmp_path_factory.mktemp("app")
    with (folder / "app.log").open("wb") as log:
        served = subprocess.Popen(
            command,
            cwd=folder,
            env={"RAPPORT_HOME": str(home), "HOME": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright_api.Browser"]:
    with playwright_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def asked() -> list[str]:
    """Give the hosts that the browser asked for anything."""
    return []


@pytest.fixture
def told() -> list[str]:
    """Give what scripts that are not ours said: in a dialog, or to the console, where a refusal to obey them stands."""
    return []


@pytest.fixture
def open_page(
    browser: "playwright_api.Browser", address: str, asked: list[str], told: list[str]
) -> Iterator[Callable[..., "playwright_api.Page"]]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    door = context.new_page()
    door.goto(f"{address}/sign-in?next=/campaigns")
    door.get_by_role("button", name="Admin").click()
    door.wait_for_url("**/campaigns")
    door.close()

    def open_(path: str, width: int = 1440) -> "playwright_api.Page":
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.on("request", lambda request: asked.append(urlsplit(request.url).hostname or ""))
        page.on("websocket", lambda made: asked.append(urlsplit(made.url).hostname or ""))
        page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda line: told.append(line.text) if hostile.MARK in line.text else None)
        page.goto(address + path)
        page.get_by_role("heading", level=1).first.wait_for(timeout=60_000)
        page.wait_for_timeout(1500)
        return page

    yield open_
    context.close()


@pytest.mark.parametrize("width", [1440, 480])
@pytest.mark.parametrize(
    ("path", "heading", "inside"),
    [
        ("/", "Overview", "Data checks"),
        ("/customers", "Customers", "Whom are you looking for?"),
        (f"/customers?customer={CUSTOMER}", "Customers", "Timeline"),
        ("/campaigns", "Campaigns", "Campaign"),
    ],
)
def test_every_page_is_drawn_whole_and_asks_nobody_outside(
    open_page: Callable[..., "playwright_api.Page"],
    asked: list[str],
    path: str,
    heading: str,
    inside: str,
    width: int,
) -> None:
    page = open_page(path, width)
    page.get_by_role("heading", name=heading, level=1).wait_for()
    page.get_by_text(inside, exact=False).first.wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator(".r-trouble").count() == 0
    assert set(asked) - {""} == {"127.0.0.1"}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# elements that hostile words could make; a link of ours holds a name, and a chart of Vega's own texts and lines
MADE = """() => [...document.querySelectorAll(`[data-evil], [onerror], [onload], script, img, svg:not(.marks), a, .katex,
    strong, em, code, del, [data-testid="stIconMaterial"], [style*="evil"], [class*="evil"], iframe, base, form,
    .marks image, .marks a, .marks foreignObject`)]
  .filter(each => each.outerHTML.includes("evil") || each.alt === "Streamlit logo")
  .filter(each => !each.matches("a.r-who") || each.href.includes("evil") || each.querySelector("*:not(bdi)"))
  .filter(each => !each.matches("iframe[srcdoc]"))
  .map(each => each.outerHTML.slice(0, 200))"""
EXPOSED = (
    f"/customers?customer={hostile.CUSTOMER}",
    "/segments?segment=harm",
    "/templates?template=win_back",
    "/campaigns?campaign=win_back",
    "/feedback",
    f"/privacy?customer={hostile.CUSTOMER}",
    "/health?tab=Audit",
)


def test_hostile_words_make_nothing_live_and_fetch_nothing(
    open_page: Callable[..., "playwright_api.Page"], asked: list[str], told: list[str]
) -> None:
    for path in EXPOSED:
        page = open_page(path)
        page.get_by_text(hostile.MARK).first.wait_for(state="attached", timeout=60_000)
        for fold in page.locator("summary:visible").all():
            fold.click()
        assert [made for frame in page.frames for made in frame.evaluate(MADE)] == [], path
        assert hostile.MARK not in page.title()
        page.close()
    page = open_page("/customers")
    page.get_by_label("Find a customer").fill(hostile.MARK)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=hostile.MARK).first.wait_for(timeout=30_000)
    assert page.evaluate(MADE) == []
    assert told == []
    assert set(asked) - {""} == {"127.0.0.1"}


def test_a_customer_is_found_with_the_keyboard_alone(open_page: Callable[..., "playwright_api.Page"]) -> None:
    page = open_page("/customers")
    page.get_by_label("Find a customer").focus()
    page.keyboard.type("grace.1@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Grace Lovelace").wait_for(timeout=30_000)


def _wait_for(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


def test_what_is_typed_and_not_saved_outlives_the_links_between_pages(
    open_page: Callable[..., "playwright_api.Page"],
) -> None:
    page = open_page("/campaigns?campaign=win_back&tab=Edit")
    page.evaluate("window.sameDocument = true")
    area = page.get_by_label("The file's text")
    area.fill(area.input_value() + "# a thought that nobody saved\n")
    area.press("Control+Enter")
    playwright_api.expect(page.get_by_role("button", name="Save", exact=True)).to_be_enabled()
    page.get_by_role("button", name="All campaigns").click()
    page.locator('a.r-who[href$="campaign=win_back"]').click()
    page.wait_for_url("**/campaigns?campaign=win_back*")
    page.get_by_role("button", name="All campaigns").click()
    page.get_by_role("button", name="Go on with").click()
    playwright_api.expect(area).to_have_value(re.compile("# a thought that nobody saved\n$"), timeout=30_000)
    assert page.evaluate("window.sameDocument")
