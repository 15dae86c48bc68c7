"""A demo of 300 people with its real parts beside it, and a real Chromium in front of it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx
import pytest
from PIL import Image

from dashboard.browser import FLAGS, find_chromium
from dashboard.parts import HOST, Ports, installation
from messaging.settings import Settings, read_settings
from tests.dashboard.journeys.likeness import TOLERANCE, difference, keep
from tests.dashboard.test_up_whole import free_ports

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).with_name("pictures")
PARTS = ("sandbox", "webhooks", "dispatcher", "app")
COLLEAGUE = "ana@harbour-and-pine.example.com"
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


class Demo:
    """A demo that runs: its settings, and where its app and its sandbox answer."""

    def __init__(self, settings: Settings, ports: Ports) -> None:
        self.settings = settings
        self.app = f"http://{HOST}:{ports.app}"
        self.sandbox = f"http://{HOST}:{ports.sandbox}"


@pytest.fixture(scope="module")
def demo(demo_company: tuple[Path, object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Copy the demo's company, and start on it what `rapport up` starts but Dagster."""
    home = tmp_path_factory.mktemp("journeys") / "home"
    shutil.copytree(demo_company[0], home)
    settings = read_settings(home=home)
    ports = Ports(*free_ports(5))
    with ExitStack() as running:
        for part in installation(settings, ports):
            if part.name not in PARTS:
                continue
            log = running.enter_context((settings.home / f"{part.name}.log").open("wb"))
            environment = os.environ | part.environment
            environment["RAPPORT_COLLEAGUES"] = COLLEAGUE
            process = subprocess.Popen(
                part.command, cwd=settings.home, env=environment, stdout=log, stderr=log
            )
            running.callback(process.wait)
            running.callback(process.terminate)
            if part.health_url:
                eventually(lambda url=part.health_url: _answers(url), f"{part.name} answers")  # type: ignore[misc]
        yield Demo(settings, ports)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start a Chromium for all journeys; its event loop ends with them, as others begin one of their own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def visit(demo: Demo, browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Give the way to sign in by a role's card; at the end nothing was asked of another machine, and nothing broke."""
    asked: set[str] = set()
    pages = []

    def visit_as(role: str, path: str = "/") -> "Page":
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        page = context.new_page()
        page.on("request", lambda request: asked.add(urlsplit(request.url).hostname or ""))
        page.on("websocket", lambda made: asked.add(urlsplit(made.url).hostname or ""))
        page.goto(f"{demo.app}/sign-in?next={quote(path, safe='')}")
        page.get_by_role("button", name=role).click()
        settle(page)
        pages.append(page)
        return page

    yield visit_as
    for page in pages:
        assert page.locator('[data-testid="stException"]').count() == 0
        page.context.close()
    assert asked <= {HOST, ""}


def settle(page: "Page") -> None:
    """Wait until a page has run to its end, and drawn what it has."""
    page.get_by_role("heading", level=1).first.wait_for(timeout=60_000)
    for _ in range(2):  # a run may ask for another one
        page.locator(IDLE).wait_for(timeout=60_000)
        page.wait_for_timeout(400)


def press(page: "Page", name: str) -> None:
    """Press a button, and wait for what comes of it."""
    page.get_by_role("button", name=name, exact=True).first.click()
    settle(page)


def looks_like(page: "Page", name: str, below: str = "", tolerance: float = TOLERANCE) -> None:
    """Compare a page with the picture that was looked at and kept; RAPPORT_KEEP_PICTURES=1 keeps a new one.

    It is looked at from its top, or from where the text `below` stands.
    """
    if page.get_by_test_id("stApp").count():  # the pages before the app are plain
        settle(page)
    place = page.get_by_text(below).first if below else page.get_by_role("heading", level=1).first
    place.evaluate("place => place.scrollIntoView({block: 'start', behavior: 'instant'})")
    page.wait_for_timeout(1200)  # charts are drawn after the run
    seen = Image.open(BytesIO(page.screenshot(animations="disabled")))
    path = PICTURES / f"{name}.png"
    if os.environ.get("RAPPORT_KEEP_PICTURES"):
        keep(seen, path)
        return
    told = difference(seen, Image.open(path))
    if told > tolerance:
        elsewhere = Path(tempfile.gettempdir()) / f"rapport-journey-{name}.png"
        seen.save(elsewhere)
        pytest.fail(f"{name} looks otherwise in {told:.1%} of its squares: compare {elsewhere} with {path}")


def eventually(happens: Callable[[], object], what: str, seconds: float = 90) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, f"not in {seconds:.0f} seconds: {what}"
        time.sleep(0.3)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False
