"""The ten main journeys through the app, as their people make them: in a Chromium, on a demo with its real parts."""

import csv
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from dashboard.browser import find_chromium
from tests.dashboard.journeys.conftest import COLLEAGUE, Demo, eventually, looks_like, press, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),  # the first one waits for the company to be made
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium found: apt-get install chromium"),
]
Visit = Callable[..., "Page"]
RAPPORT = Path(sys.executable).with_name("rapport")
ALL = ["Overview", "Customers", "Segments", "Templates", "Campaigns", "Feedback"]
PRIVACY, HEALTH, OWN, SETTINGS = "Consent and privacy", "Data health", "Your own data", "Settings"
MENUS = {
    "Marketer": [*ALL, PRIVACY, HEALTH, SETTINGS],
    "Agent": [*ALL, PRIVACY],
    "Engineer": [*ALL, HEALTH, OWN, SETTINGS],
    "Privacy": [*ALL, PRIVACY, HEALTH, SETTINGS],
    "Admin": [*ALL, PRIVACY, HEALTH, OWN, SETTINGS],
    "Viewer": ALL,
}
TILL = "Receipt,Line,Email,Date,Item,Amount,Qty\n" + "".join(
    f"R-{number},1,till.{number}@example.com,2026-10-28 10:{number},Oak stool,49.00,1\n"
    for number in range(10, 30)
)
MAP = """description: the till's sales
table: purchases
source: till_old
format: {kind: csv, delimiter: ','}
time_zone: Europe/London
time_formats: [iso]
currency: {value: GBP}
record_id: line/{Receipt}-{Line}
columns:
  occurred_at: {time: Date}
  order_id: Receipt
  email: Email
  line_kind: {value: sale}
  product_name: Item
  quantity: {integer: Qty}
  net_amount_minor: {money: Amount}
  currency: {value: GBP}
"""


def body(page: "Page") -> "Locator":
    """Give what stands beside the sidebar."""
    return page.get_by_test_id("stMain")


def choose(page: "Page", label: str, option: str) -> None:
    """Choose one of a list."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def find(page: "Page", who: str) -> None:
    """Search for a customer."""
    box = page.get_by_label("Find a customer")
    box.fill(who)
    box.press("Enter")
    settle(page)


def sum_of(page: "Page") -> tuple[int, ...]:
    """Read the sum below the funnel: who matched, who gets the message, and everybody else by why not."""
    told = next(line for line in body(page).inner_text().splitlines() if " matched = " in line)
    return tuple(int(each) for each in re.findall(r"\d+", told))


def waiting_in(page: "Page") -> int:
    """Read how many messages of a run wait."""
    found = re.search(r"\nWaiting\n(\d+)\n", body(page).inner_text())
    return int(found[1]) if found else 0


def test_each_role_finds_its_pages_and_who_has_none_finds_the_door(visit: Visit, demo: Demo) -> None:
    for role, pages in MENUS.items():
        page = visit(role)
        page.get_by_role("heading", name="Overview", level=1).wait_for()
        menu = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
        assert [each.strip() for each in menu] == pages
    page.goto(f"{demo.app}/own_data")  # a viewer types an address
    page.get_by_text("A viewer may not").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/sign-in**")
    page.goto(f"{demo.app}/campaigns?campaign=win_back")
    assert "/sign-in" in page.url
    assert page.get_by_role("button", name="Marketer").is_visible()
    looks_like(page, "sign_in")


def test_an_agent_finds_somebody_by_a_misspelt_name_and_knows_what_they_told_us(visit: Visit) -> None:
    page = visit("Agent", "/customers")
    find(page, "Nansy Cox")
    press(page, "Nancy Cox · nancy.cox@outlook.example.com · +442079460461 · GB · Lapsing")
    told = body(page).inner_text()
    assert "They would hardly recommend us: 2 of 10." in told
    assert "Passed from one to the next: Terrible support." in told
    looks_like(page, "customer")
    page.get_by_label("Search in it").fill("pillowcase")
    page.get_by_label("Search in it").press("Enter")
    settle(page)
    told = page.locator(".r-timeline").inner_text()
    assert "is the Flannel Pillowcase back in stock soon?" in told
    assert "Terrible support" not in told


def test_an_agent_sees_why_records_are_one_person(visit: Visit) -> None:
    page = visit("Agent", "/customers")
    find(page, "nancy.cox@outlook.example.com")
    page.get_by_role("tab", name="Known by").click()
    assert "nancy.cox@outlook.example.com and +44 20 7946 0461 were given together" in body(page).inner_text()
    looks_like(page, "identity", below="Why is this one person?")


def test_a_marketer_builds_a_segment_sees_it_counted_and_takes_it_along(visit: Visit, demo: Demo) -> None:
    page = visit("Marketer", "/segments")
    page.get_by_text("Not counted yet").first.wait_for(state="hidden")  # counted behind the page
    press(page, "New segment")
    page.get_by_label("What are its people?").fill("Bought often")
    press(page, "Begin")
    one_order = int(page.locator(".r-tile .r-value").first.inner_text())
    page.get_by_label("Value").first.fill("5")
    page.get_by_label("Value").first.press("Enter")
    settle(page)
    often = int(page.locator(".r-tile .r-value").first.inner_text())
    assert 0 < often < one_order
    assert "value: 5}" in page.get_by_label("YAML").input_value()
    looks_like(page, "segment")
    press(page, "Save")
    assert "column: order_count" in (demo.settings.library_dir / "segments" / "bought_often.yaml").read_text()
    press(page, "Make the CSV")
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert len([*csv.DictReader(io.StringIO(text))]) == often


def test_a_marketer_changes_a_mail_sees_it_and_sends_a_test(visit: Visit, demo: Demo) -> None:
    page = visit("Marketer", "/templates?template=win_back")
    area = page.get_by_label("The file's text")
    area.fill(area.input_value().replace("It has been a while", "We have missed you"))
    area.press("Control+Enter")
    settle(page)
    mail = page.frame_locator("iframe").frame_locator("iframe")
    mail.get_by_role("heading", name="We have missed you, Alexandra.").wait_for()
    assert (
        "We have missed"
        not in demo.settings.library_dir.joinpath("templates", "email", "win_back.j2").read_text()
    )
    looks_like(page, "template")
    press(page, "Save")
    press(page, "Send the test")
    eventually(
        lambda: COLLEAGUE in httpx.get(f"{demo.sandbox}/mail", trust_env=False).text, "the test arrives"
    )


def test_a_campaign_is_planned_approved_launched_and_told_of(visit: Visit, demo: Demo) -> None:
    page = visit("Marketer", "/campaigns?campaign=re_permission")
    press(page, "Plan it now")
    matched, to_send, *others = sum_of(page)
    assert matched == to_send + sum(others)
    press(page, "Never said yes")
    assert "Never said yes: 2 people" in body(page).inner_text()
    lot = 0.06  # whether anybody is held out is drawn by ids, which are new in each demo: a bar more or less
    looks_like(page, "review", below="Who gets it, who does not", tolerance=lot)
    press(page, "Approve this plan")
    press(page, "Launch")
    eventually(lambda: re.search(r"\nSent\n[1-9]", body(page).inner_text()), "mails are sent")
    eventually(lambda: re.search(r"\nDelivered\n[1-9]", body(page).inner_text()), "texts are delivered")
    body(page).get_by_text("Report", exact=True).click()
    settle(page)
    told = body(page).inner_text()
    assert re.search(rf"\nSent\n\d+\nof {to_send}\n", told)
    assert "oo early to say" in told
    looks_like(page, "report")


def test_a_campaign_is_paused_and_nothing_goes_until_it_goes_on(visit: Visit, demo: Demo) -> None:
    page = visit("Marketer", "/campaigns?campaign=did_you_know&tab=Edit")
    pace = page.get_by_label("At most an hour (0: as fast as it goes)")
    pace.fill("6")
    pace.press("Enter")
    settle(page)
    press(page, "Save")
    page.goto(f"{demo.app}/campaigns?campaign=did_you_know")
    settle(page)
    press(page, "Plan it now")
    to_send = sum_of(page)[1]
    assert f"Goes\n{-(-to_send // 6)} hours" in body(page).inner_text()
    press(page, "Approve this plan")
    press(page, "Launch")
    eventually(lambda: waiting_in(page) == to_send - 1, "the first message goes")
    press(page, "Pause")
    looks_like(page, "paused")
    press(page, "One hour later")
    page.wait_for_timeout(4000)  # of the dispatcher, which looks for work every second
    page.reload()
    settle(page)
    assert waiting_in(page) == to_send - 1
    press(page, "Go on")
    press(page, "One hour later")
    eventually(lambda: waiting_in(page) == to_send - 8, "one goes at once, six in the hour, and no flood")


def test_a_marketer_asks_why_somebody_did_not_get_a_campaign(visit: Visit) -> None:
    page = visit("Marketer", "/campaigns")
    page.get_by_role("tab", name="Why, and why not").click()
    page.get_by_label("A customer").fill("nancy.cox@outlook.example.com")
    page.get_by_label("A customer").press("Enter")
    settle(page)
    choose(page, "Campaign", "Win back")
    told = body(page).inner_text()
    assert "They were left out.\n\nThis customer has not agreed to marketing by e-mail." in told
    looks_like(page, "why_not")


def test_an_engineer_mends_a_mapping_and_has_what_was_set_aside_judged_again(
    visit: Visit, demo: Demo, tmp_path: Path
) -> None:
    mapping, file = tmp_path / "till_old.yaml", tmp_path / "till_old.csv"
    mapping.write_text(MAP)
    file.write_text(TILL.replace("2026-10-28 10:12", "28.10.2026 10:12"))  # somebody typed this one by hand
    environment = os.environ | {"RAPPORT_HOME": str(demo.settings.home)}
    subprocess.run([RAPPORT, "ingest", "purchases", file, "--map", mapping], env=environment, check=True)
    page = visit("Engineer", "/health?tab=Set%20aside")
    page.get_by_text("Till old: Purchases").wait_for()
    looks_like(page, "set_aside")
    mapping.write_text(MAP.replace("[iso]", "[iso, '%d.%m.%Y %H:%M']"))
    press(page, "Judge again")
    page.get_by_text("Judged again").wait_for(timeout=120_000)
    settle(page)
    assert "Till old: Purchases" not in body(page).inner_text()


def test_an_engineer_lands_a_file_that_nobody_knows(visit: Visit, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "till.csv"
    file.write_text(TILL)
    page = visit("Engineer", "/own_data")
    page.locator('input[type="file"]').set_input_files(file)
    page.get_by_role("button", name="Land it").wait_for(timeout=120_000)
    settle(page)
    mapping = page.get_by_label("Mapping")
    mapping.fill(mapping.input_value().replace("{template: '{Email}-{Date}'}", "Receipt"))
    mapping.press("Control+Enter")
    settle(page)
    looks_like(page, "own_data")
    press(page, "Land it")
    page.get_by_text("Landed. Build, and it is in the view of each customer.").wait_for(timeout=120_000)
    assert not [*(demo.settings.home / "uploads").iterdir()]
