"""Links of marketing lead by us with UTM parameters, say where they lead, and are never those by which a reader leaves."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import Row, select

from data_contracts.errors import CampaignError, RefusedError, TemplateError
from messaging.addresses import Addresses
from messaging.campaigns import Tracking, Variant, read_campaign
from messaging.clock import Clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.links import Links, is_web_address
from messaging.planner import Planner, build_planner
from messaging.rendering import Rendered, track
from messaging.rendering.tracked import with_utm
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages

LINKS = Links(b"k" * 32, "https://rapport.example.com")
ID = "msg_" + "0" * 32
UTM = {"source": "rapport", "medium": "email", "campaign": "win_back", "content": "b"}
LEGAL = "segment: lapsed_customers\ntemplate: win_back\nchannels: [email]\n"
HREF = re.compile(r' href="([^"]*)"')


def mail(html: str, body: str = "x") -> Rendered:
    return Rendered("en", "Subject", body, html, None, ())


def leads_to(link: str) -> str:
    """Follow a link as the receiver does: only what was signed for it, and only for its message."""
    parts = urlsplit(link.replace("&amp;", "&"))
    url = parse_qs(parts.query)["u"][0]
    assert LINKS.clicked_id(parts.path.removeprefix("/r/"), url) == ID
    return url


@pytest.mark.parametrize(
    ("written", "led"),
    [
        ("https://a.example/x", "https://a.example/x?utm_source=rapport&utm_medium=email"),
        ("https://a.example?c=%20y", "https://a.example?c=%20y&utm_source=rapport&utm_medium=email"),
        ("https://a.example/x#top", "https://a.example/x?utm_source=rapport&utm_medium=email#top"),
        ("https://a.example/x?utm_source=partner", "https://a.example/x?utm_source=partner&utm_medium=email"),
        ("https://a.example/x?", "https://a.example/x?utm_source=rapport&utm_medium=email"),
        ("https://a.example/x?a&#", "https://a.example/x?a&utm_source=rapport&utm_medium=email#"),
        ("https://a.example/x?UTM_Medium=", "https://a.example/x?UTM_Medium=&utm_source=rapport"),
    ],
)
def test_utm_parameters_are_added_and_none_that_is_there_is_overwritten(written: str, led: str) -> None:
    assert with_utm(written, {"source": "rapport", "medium": "email"}) == led


def test_links_of_a_mail_lead_by_us_in_both_of_its_parts() -> None:
    html = '<p title="a > b"><a style="x > y" href="https://a.example/x?a=1&amp;b=2">Now</a></p>'
    made = track(mail(html, "Now: https://a.example/x?a=1&b=2.\n"), LINKS, ID, "email", UTM)
    (link,) = HREF.findall(made.html or "")
    told = (
        "https://a.example/x?a=1&b=2&utm_source=rapport&utm_medium=email&utm_campaign=win_back&utm_content=b"
    )
    assert leads_to(link) == told
    assert made.body == f"Now: {link}.\n"
    assert LINKS.leads_by_us(made.body)
    assert LINKS.led_on(made.body) == f"Now: {told}.\n"


@pytest.mark.parametrize(
    "link",
    [
        LINKS.unsubscribe(ID),
        LINKS.preferences(ID),
        LINKS.confirm("req_" + "0" * 32),
        LINKS.click(ID, "https://a.example/"),
        "mailto:help@a.example",
        "tel:+442079460123",
        "https://user@a.example/",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_links_to_leave_to_choose_and_those_that_we_could_not_lead_on_to_stay(link: str) -> None:
    before = mail(f'<a href="{link}">x</a>', f"x: {link}\n")
    assert track(before, LINKS, ID, "email", UTM) == before


def test_a_page_of_the_shop_at_our_own_address_is_no_page_of_ours() -> None:
    made = track(mail('<a href="https://rapport.example.com/p/chair">x</a>'), LINKS, ID, "email", UTM)
    assert leads_to(HREF.findall(made.html or "")[0]).startswith("https://rapport.example.com/p/chair?utm_")


@examples(max_examples=60, deadline=None)
@example(path="?")
@example(path="#")
@given(path=st.text(st.characters(exclude_categories=["C", "Z"]), max_size=30))
def test_whatever_a_link_holds_leads_where_it_was_written_or_stays(path: str) -> None:
    from html import escape, unescape

    url = f"https://a.example/{path}"
    made = track(mail(f'<a href="{escape(url)}">x</a>'), LINKS, ID, "email", {})
    (link,) = HREF.findall(made.html or "")
    assert leads_to(link) == url.strip() if is_web_address(url) else unescape(link) == url


def test_a_text_message_is_counted_with_its_longer_links_and_never_too_long() -> None:
    text = Rendered("en", None, "New: https://a.example/x Reply STOP", None, 1, ())
    made = track(text, LINKS, ID, "sms", UTM)
    assert made.segment_count is not None
    assert made.segment_count >= 2
    assert LINKS.led_on(made.body).endswith("utm_content=b Reply STOP")
    with pytest.raises(TemplateError, match="1600 is the most"):
        track(replace(text, body=text.body + "x" * 1500), LINKS, ID, "sms", UTM)


@pytest.mark.parametrize(
    ("written", "channels", "utm"),
    [
        ("", {"email"}, {}),
        ("links: false\n", set(), {}),
        ("links: {sms: true}\n", {"email", "sms"}, {}),
        ("links: {email: false, utm_source: news}\n", set(), {"source": "news"}),
    ],
)
def test_a_campaign_says_which_links_lead_by_us(
    written: str, channels: set[str], utm: dict[str, str]
) -> None:
    campaign = read_campaign("spring", LEGAL + written)
    assert campaign.tracking == Tracking(frozenset(channels), utm)
    told = campaign.utm("sms", Variant("", "win_back", 1))
    ours = {"source": "rapport", "medium": "sms", "campaign": "spring", "content": "win_back"}
    assert told == ours | utm


def test_a_utm_value_with_a_blank_is_refused_with_its_line() -> None:
    with pytest.raises(CampaignError, match=r"line 4: .*utm_source"):
        read_campaign("spring", LEGAL + 'links: {utm_source: "two words"}\n')


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings, clock, store)
    yield built
    built.customers.close()


def planned(store: Store, run_id: str) -> Row[Any]:
    with store.read() as connection:
        return connection.execute(select(messages).where(messages.c.run_id == run_id)).one()


def test_a_plan_stores_the_links_that_are_sent_and_a_run_keeps_them(
    planner: Planner, publish: Callable[..., str], make_person: Callable[..., Any], addresses: Addresses
) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("share: 0.10", "share: 0"))
    someone = make_person(1, preferred_channel="email")
    publish(customer_360=[someone])
    agreed = ImportedConsent(
        customer_id=someone["customer_id"], source="shop", source_record_id="1", channel="email", action="grant",
        purpose="marketing", legal_basis="consent", occurred_at=datetime.fromisoformat("2026-01-01"),
        method="form", wording=None, locale=None, address=None,
    )  # fmt: skip
    record_imports(planner.store, addresses, [agreed], planner.clock.now())
    summary = planner.plan("win_back", "eva")
    row = planned(planner.store, summary.run_id)
    shop, leave = HREF.findall(row.html)
    parts = urlsplit(shop)
    url = parse_qs(parts.query)["u"][0]
    assert planner.links.clicked_id(parts.path.removeprefix("/r/"), url) == row.message_id
    assert url == (
        "https://harbour-and-pine.example.com/back"
        "?utm_source=rapport&utm_medium=email&utm_campaign=win_back&utm_content=win_back"
    )
    assert leave == planner.links.unsubscribe(row.message_id)
    path.write_text(path.read_text() + "links: false\n")
    with pytest.raises(RefusedError, match="have changed"):
        planner.approve(summary.run_id, "eva")
    assert planned(planner.store, summary.run_id).html == row.html
    plain = planned(planner.store, planner.plan("win_back", "eva").run_id)
    assert "https://harbour-and-pine.example.com/back" in HREF.findall(plain.html)
