"""Each page in a real Chromium: headings are there, nothing failed, nobody outside this machine was asked."""

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

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium found: apt-get install chromium"),
]
playwright_api = pytest.importorskip("playwright.sync_api")
CUSTOMER = f"cus_{5:032x}"


@pytest.fixture(scope="module")
def address(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the app on a free port, the way `rapport up` does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dashboard.serve", "--port", str(port)]
    folder = tmp_path_factory.mktemp("app")
    with (folder / "app.log").open("wb") as log:
        served = subprocess.Popen(
            command,
            cwd=folder,
            env={"RAPPORT_HOME": str(company), "HOME": str(folder)},
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
def open_page(
    browser: "playwright_api.Browser", address: str, asked: list[str]
) -> Iterator[Callable[..., "playwright_api.Page"]]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})

    def open_(path: str, width: int = 1440) -> "playwright_api.Page":
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.on("request", lambda request: asked.append(urlsplit(request.url).hostname or ""))
        page.on("websocket", lambda made: asked.append(urlsplit(made.url).hostname or ""))
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


def test_hostile_words_of_customers_make_no_live_element(
    open_page: Callable[..., "playwright_api.Page"], asked: list[str]
) -> None:
    page = open_page("/customers")
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for number in range(4):
        page = open_page(f"/customers?customer=cus_{number:032x}")
        page.get_by_text("Timeline").first.wait_for()
        assert page.locator(".r-timeline script, .r-timeline img, .r-timeline a").count() == 0
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
