"""`python -m benchmarks.pages`: how long each page of the app takes until it can be used, and a search until it answers.

The app runs in a process of its own behind its door, on a copy of a company's store beside its release, and Chromium visits
it as a colleague does: signed in once, from page to page by the menu. A page can be used when its heading stands there and
nothing is being worked out any more. The first visit to each page is left out: what is asked for is the warm app.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from benchmarks.homes import beside, built_home
from benchmarks.landing import alone
from dashboard.browser import FLAGS, find_chromium
from dashboard.door.gate import COOKIE
from dashboard.navigation import PAGES
from messaging import sign_ins, users
from messaging.customers import Customers
from messaging.settings import read_settings
from messaging.store import open_store

if TYPE_CHECKING:
    from playwright.sync_api import Page

GOALS = {"a page": 2.0, "a search": 0.3}  # seconds, 95 of 100
NAME, PASSWORD = "Bench", "as long as a password has to be"
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
NAMED = """
    SELECT customer_id, given_name, family_name FROM c360.customer_360
    WHERE length(given_name) > 3 AND length(family_name) > 3 ORDER BY hash(customer_id) LIMIT ?
"""


def main() -> None:
    """Measure, print; end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description="What each page takes.")
    parser.add_argument("--home", help="of a company that is built (default: one is made)")
    parser.add_argument(
        "--rows", type=int, default=200_000, help="of the company that is made (default 200,000)"
    )
    parser.add_argument("--rounds", type=int, default=20, help="visits to each page (default 20)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-pages-") as scratch:
        built = Path(options.home) if options.home else alone(built_home, Path(scratch), options.rows)
        found = measure(_whole(built, Path(scratch) / "home"), options.rounds)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)
    sys.exit(any(each["p95"] > each["goal"] for each in found["pages"]))


def measure(home: Path, rounds: int) -> dict[str, Any]:
    """Visit each page so many times, one customer's card and the search among them; give seconds by page."""
    from playwright.sync_api import sync_playwright

    settings = read_settings(home=home)
    with open_store(settings) as store:
        customers = Customers(settings, store)
        with customers.reader.snapshot() as snapshot:
            people = snapshot.rows(NAMED, [rounds + 1])
            known = int(snapshot.rows("SELECT count(*) AS people FROM c360.customer_360")[0]["people"])
        answers = [_answered(customers, person) for person in people]
        customers.close()
        now = datetime.now(UTC).replace(tzinfo=None)
        with store.write() as connection:
            _, link = users.invite(connection, NAME, ["admin"], "bench", now)
        users.join(store, link, PASSWORD, now)
        token = sign_ins.sign_in(store, NAME, PASSWORD, "127.0.0.1", now)
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("No Chromium was found: apt-get install chromium, or set RAPPORT_CHROMIUM.")
    with _served(home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
        page = context.new_page()
        page.set_default_timeout(300_000)
        page.goto(url)
        _until_usable(page, "Overview")
        took = _visits(page, rounds) | {"Search, the answer alone": answers[1:]} | _searches(page, people)
        browser.close()
    return {"people": known, "rounds": rounds, "pages": [_told(*each) for each in took.items()]}


def _visits(page: "Page", rounds: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {title: [] for _, title, _ in PAGES}
    for _ in range(rounds + 1):
        for _, title, _ in PAGES:
            begun = time.perf_counter()
            page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
            _until_usable(page, title)
            took[title].append(time.perf_counter() - begun)
    return {title: each[1:] for title, each in took.items()}


def _answered(customers: Customers, person: dict[str, Any]) -> float:
    begun = time.perf_counter()
    customers.find(_misspelt(person))
    return time.perf_counter() - begun


def _misspelt(person: dict[str, Any]) -> str:
    """Leave out a letter of somebody's given name."""
    return f"{person['given_name'][:-2]}{person['given_name'][-1]} {person['family_name']}"


def _searches(page: "Page", people: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Look for people by a name with a slip in it, and open each."""
    found: list[float] = []
    opened: list[float] = []
    for person in people:
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Customers", exact=True).click()
        _until_usable(page, "Customers")
        box = page.get_by_label("Find a customer")
        box.fill(_misspelt(person))
        begun = time.perf_counter()
        box.press("Enter")
        page.get_by_text("found", exact=False).first.wait_for()
        found.append(time.perf_counter() - begun)
        _until_usable(page, "Customers")
        url = page.url.split("?")[0]
        begun = time.perf_counter()
        page.goto(f"{url}?customer={person['customer_id']}")
        page.get_by_text("Everything that passed between us", exact=False).wait_for()
        page.locator(IDLE).wait_for()
        opened.append(time.perf_counter() - begun)
    return {"Search by a misspelt name": found[1:], "One customer": opened[1:]}


def _until_usable(page: "Page", title: str) -> None:
    page.get_by_role("heading", name=title, level=1, exact=True).wait_for()
    page.locator(IDLE).wait_for()


def _told(title: str, took: list[float]) -> dict[str, Any]:
    goal = GOALS["a search" if title.startswith("Search") else "a page"]
    return {
        "page": title,
        "median": median(took),
        "p95": quantiles(took, n=20, method="inclusive")[-1],
        "most": max(took),
        "goal": goal,
    }


def _print(found: dict[str, Any]) -> None:
    print(f"  {found['people']:,} people, {found['rounds']} visits each; seconds until a page can be used")
    print(f"  {'page':<28}{'median':>8}{'p95':>8}{'most':>8}{'goal':>8}")
    for each in found["pages"]:
        figures = "".join(f"{each[name]:>8.2f}" for name in ("median", "p95", "most", "goal"))
        print(f"  {each['page']:<28}{figures}{'' if each['p95'] <= each['goal'] else '  missed'}")


def _whole(built: Path, home: Path) -> Path:
    """Make a home beside a built one that reads what it landed and built, too."""
    beside(built, home)
    for name in ("landing", "warehouse", "quarantine", "reports"):
        if (built / name).exists():
            (home / name).symlink_to((built / name).resolve())
    return home


@contextmanager
def _served(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "dashboard.serve", "--port", str(port)]
    with (home / "app.log").open("wb") as log:
        app = subprocess.Popen(command, env=os.environ | {"RAPPORT_HOME": str(home)}, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                with urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                    break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait()


if __name__ == "__main__":
    main()
