"""The preference page: by a signed link, in four languages; looking changes nothing, and only what differs is recorded."""

import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from PIL import Image
from sqlalchemy import select

from messaging import brand, consent
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent import KnownAs
from messaging.consent_chain import ConsentEvent, verify_chain
from messaging.facts import Candidate, gather
from messaging.links import read_links
from messaging.objections import has_objected
from messaging.policy import Allowed, Blocked, decide
from messaging.quiet_hours import read_quiet_rules
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import consent_events
from messaging.webhooks.words import all_words

MAIL, PHONE = "siobhan@example.com", "+447700900123"


@pytest.fixture
def link(settings: Settings, sent: Any, addresses: Addresses) -> str:
    message_id = sent("cus_1", channel="email", address=MAIL, address_hash=addresses.hash(MAIL))
    return read_links(settings).preferences(message_id).removeprefix(settings.public_url)


@pytest.fixture
def tick(post: Any, link: str) -> Any:
    def send(*fields: str, lang: str = "en") -> Any:
        return post.raw(f"{link}?lang={lang}", urlencode(dict.fromkeys(fields, "on")))

    return send


@pytest.fixture
def may(store: Store, addresses: Addresses) -> Any:
    def look(channel: str) -> bool:
        with store.read() as connection:
            hashes = addresses.hash(MAIL) if channel == "email" else None
            state = consent.state(connection, ["cus_1"], hashes, channel)
            silent = consent.suppressed(connection, [addresses.hash(MAIL)], channel)
        return state is not None and state.granted and not silent

    return look


def events(store: Store) -> list[Any]:
    with store.read() as connection:
        assert verify_chain(connection).broken_at is None
        return list(connection.execute(select(consent_events).order_by(consent_events.c.sequence)))


@pytest.mark.parametrize("lang", list(all_words()))
def test_looking_shows_the_boxes_in_the_readers_language_and_changes_nothing(
    lang: str, post: Any, link: str, store: Store
) -> None:
    page = post.client.get(link, headers={"Accept-Language": f"xx, {lang}-XX;q=0.8, en;q=0.1"})
    assert page.status_code == 200
    assert f'<html lang="{lang}">' in page.text
    assert all_words()[lang].preferences_title in page.text.replace("&#39;", "'")
    assert page.text.count('type="checkbox"') == 5
    assert "checked" not in page.text
    assert post.client.head(link).status_code == 200
    assert events(store) == []


def test_what_is_ticked_counts_at_once_with_the_words_that_were_agreed_to(
    tick: Any, may: Any, store: Store
) -> None:
    answer = tick("marketing.email", "marketing.sms", lang="de")
    assert answer.text.count("checked") == 2
    assert "Gespeichert" in answer.text
    assert (may("email"), may("sms"), may("whatsapp")) == (True, True, False)
    said = events(store)
    assert {(row.channel, row.action, row.locale, row.method) for row in said} == {
        ("email", "grant", "de", "preferences"),
        ("sms", "grant", "de", "preferences"),
        ("whatsapp", "revoke", "de", "preferences"),
        ("voice", "revoke", "de", "preferences"),
    }
    yes = [row for row in said if row.action == "grant"]
    assert all("Ich bin einverstanden" in row.wording and row.wording_hash for row in yes)
    tick("marketing.email", "marketing.sms")
    assert len(events(store)) == 4, "what stands already is not said again"


def test_what_is_unticked_ends_and_the_address_itself_is_silent(tick: Any, may: Any) -> None:
    tick("marketing.email", "marketing.sms")
    assert tick().text.count("checked") == 0
    assert (may("email"), may("sms")) == (False, False)
    tick("marketing.email")
    assert (may("email"), may("sms")) == (True, False)


@pytest.fixture
def gate(store: Store, addresses: Addresses, clock: Any) -> Any:
    def ask(channel: str, address: str, *ids: str) -> Any:
        one = Candidate(
            key="1",
            person=KnownAs(ids or ("cus_1",)),
            channel=channel,
            address=address,
            address_hash=addresses.hash(address),
            time_zone="Europe/London",
            country="GB",
        )
        with store.read() as connection:
            return decide(gather(connection, [one], clock.now())["1"], read_quiet_rules())

    return ask


def test_a_number_that_agreed_by_itself_is_shown_and_ends_with_its_tick(
    post: Any, tick: Any, link: str, gate: Any, sent: Any, store: Store, addresses: Addresses, clock: Any
) -> None:
    """Consents of numbers alone, as a list of them is imported: the box was empty, and emptying it changed nothing."""
    sent("cus_1", channel="sms", provider_sid="SM2")
    with store.write() as connection:
        event = ConsentEvent(
            channel="sms", purpose="marketing", action="grant", legal_basis="consent", occurred_at=clock.now(),
            source="list", actor="import", method="form", address_hash=addresses.hash(PHONE),
        )  # fmt: skip
        consent.record(connection, event, clock.now())
    assert isinstance(gate("sms", PHONE), Allowed)
    assert 'name="marketing.sms" value="on" checked' in post.client.get(link).text
    assert 'name="marketing.sms" value="on" checked' not in tick().text
    assert isinstance(gate("sms", PHONE), Blocked)


def test_a_channel_without_a_tick_is_blocked_also_at_a_number_that_nobody_knew_of(
    tick: Any, gate: Any, store: Store, addresses: Addresses, clock: Any
) -> None:
    with store.write() as connection:
        event = ConsentEvent(
            channel="sms", purpose="marketing", action="grant", legal_basis="consent", occurred_at=clock.now(),
            source="list", actor="import", method="form", address_hash=addresses.hash(PHONE),
        )  # fmt: skip
        consent.record(connection, event, clock.now())
    tick("marketing.email")
    assert isinstance(gate("sms", PHONE), Blocked)


def test_a_consent_that_ran_out_is_shown_as_none_and_a_tick_renews_it(
    post: Any, tick: Any, link: str, gate: Any, store: Store, clock: Any
) -> None:
    with store.write() as connection:
        event = ConsentEvent(
            channel="email", purpose="marketing", action="grant", legal_basis="consent",
            occurred_at=clock.now() - timedelta(days=30), source="form", actor="customer", method="form",
            customer_id="cus_1", expires_at=clock.now() - timedelta(days=1),
        )  # fmt: skip
        consent.record(connection, event, clock.now() - timedelta(days=30))
    assert "checked" not in post.client.get(link).text
    tick("marketing.email")
    assert isinstance(gate("email", MAIL), Allowed)


def test_an_address_that_reported_us_stays_silent_whatever_is_ticked(
    tick: Any, may: Any, store: Store, addresses: Addresses, clock: Any
) -> None:
    with store.write() as connection:
        consent.suppress(
            connection,
            address_hash=addresses.hash(MAIL),
            channel="email",
            reason="complaint",
            at=clock.now(),
            source="test",
        )
    assert tick("marketing.email").text.count("checked") == 0
    assert not may("email")


def test_an_objection_to_profiling_is_recorded_and_can_be_taken_back(tick: Any, store: Store) -> None:
    def objects() -> bool:
        with store.read() as connection:
            return has_objected(connection, KnownAs(("cus_1",)))

    tick("profiling")
    assert objects()
    tick()
    assert not objects()


def test_a_link_with_one_sign_changed_or_of_another_kind_is_not_ours(
    post: Any, link: str, settings: Settings, store: Store
) -> None:
    links = read_links(settings)
    message_id = link.rsplit("/", maxsplit=1)[-1].split(".", maxsplit=1)[0]
    others = [
        links.unsubscribe(message_id),
        links.confirm("req_" + "0" * 32),
        links.click(message_id, "https://x.example"),
    ]
    tokens = [other.split("/")[-1].split("?")[0] for other in others]
    changed = [
        link[:place] + ("0" if link[place] != "0" else "1") + link[place + 1 :]
        for place in range(3, len(link), 4)
    ]
    for path in [*changed, *(f"/p/{token}" for token in tokens)]:
        assert post.client.get(path).status_code == 404
        assert post.raw(path, "marketing.email=on").status_code == 404
    assert events(store) == []


def test_every_language_says_the_same_things() -> None:
    for code, words in all_words().items():
        english = all_words()["en"]
        assert set(words.channels) == set(english.channels), code
        assert set(words.by) == set(english.by), code
        for name, text in words.model_dump().items():
            if isinstance(text, str):
                told = {place for place in ("{company}", "{channel}") if place in text}
                assert told == {
                    place for place in ("{company}", "{channel}") if place in getattr(english, name)
                }, name


@pytest.mark.sqlite
def test_the_page_wears_the_companys_colour_and_logo_without_a_new_start_and_before_that_ours(
    post: Any, link: str, settings: Settings, store: Store, clock: Clock
) -> None:
    bare = post.client.get(link)
    assert "--accent: #1f5f5b;" in bare.text
    assert "<img" not in bare.text
    assert "img-src" not in bare.headers["content-security-policy"]
    made = io.BytesIO()
    Image.new("RGB", (200, 60), "#802020").save(made, "PNG")
    told: dict[str, Any] = {"actor": "ada", "now": clock.now()}
    name = brand.save_logo(settings, store, made.getvalue(), **told)
    brand.save_colour(settings, store, "#802020", **told)
    page = post.client.get(link)
    assert "--accent: #802020;" in page.text
    assert "button:hover { background: #661919; }" in page.text
    assert f'<img src="/a/{name}" alt="{settings.company_name}">' in page.text
    assert page.headers["content-security-policy"].startswith("img-src 'self'; default-src 'none';")
    assert post.client.get(f"/a/{name}").headers["content-type"] == "image/png"
