"""Take the pictures of the app that the README shows: `python docs/take_pictures.py [--url http://127.0.0.1:8501]`.

The app has to run on a demo (`rapport up --demo`), and a Chromium has to be found. Pictures are 1440 x 900.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from dashboard.browser import FLAGS, find_chromium

FOLDER = Path(__file__).with_name("pictures")
SETTLE = 4000  # milliseconds that a chart takes to be drawn
PAGES = {
    "overview": "/",
    "customer": "/customers",
    "segments": "/segments",
    "templates": "/templates?template=win_back",
    "campaigns": "/campaigns",
    "campaign": "/campaigns?campaign=win_back",
    "feedback": "/feedback",
    "health": "/health",
    "lineage": "/health?tab=Lineage",
    "own_data": "/own_data",
    "privacy": "/privacy",
    "settings": "/settings",
}


def main() -> None:
    """Take one picture a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8501", help="where the app runs")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--customer", default="", help="who is shown: anything that the search box takes")
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("No Chromium was found: apt-get install chromium, or set RAPPORT_CHROMIUM.")
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{options.url}/sign-in")
        page.screenshot(path=options.folder / "sign_in.png")
        page.get_by_role("button", name="Admin").click()
        page.wait_for_url(f"{options.url}/")
        for name, path in PAGES.items():
            _open(page, options.url + path)
            if name == "customer" and options.customer:
                _find(page, "Find a customer", options.customer, "Everything that passed between us")
            if name == "privacy" and options.customer:
                _find(page, "Whose file?", options.customer, "What we hold")
            if name == "campaign":  # the funnel stands below the steps
                page.get_by_text("Who gets it, who does not").scroll_into_view_if_needed()
                page.mouse.move(800, 600)
                page.mouse.wheel(0, 620)
                page.wait_for_timeout(SETTLE)
            page.screenshot(path=options.folder / f"{name}.png")
        browser.close()


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("heading", level=1).first.wait_for(timeout=60_000)
    page.wait_for_timeout(SETTLE)


def _find(page: Page, label: str, query: str, shown: str) -> None:
    box = page.get_by_label(label)
    box.fill(query)
    box.press("Enter")
    page.get_by_text(shown).wait_for(timeout=60_000)
    page.wait_for_timeout(SETTLE)


if __name__ == "__main__":
    main()
